"""What people are told to install is this project, with extras that it has."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from matey_core import __version__
from matey_core.errors import DISTRIBUTION, install_extra

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
FOLDERS = (".ci", ".github", "bench", "configs", "docs", "matey_cli", "matey_core", "tests")
SUFFIXES = (".py", ".md", ".toml", ".yml", ".yaml", ".cff", ".txt", "")
# An install command, or a requirement with an extra or a version, of PyPI's `matey`.
OTHER = re.compile(
    r"""\b(?:install|add|uvx|require)\s+(?:--?[\w-]+\s+)*["'`]?matey(?![\w-])"""
    r"""|(?<![\w./-])matey(?:\[|\s*[=~<>]=\s*\d)"""
)


def texts() -> Iterator[Path]:
    """Every text of the repository but this one."""
    found = [path for path in ROOT.iterdir() if path.is_file()]
    for folder in FOLDERS:
        found += (ROOT / folder).rglob("*")
    for path in found:
        is_text = path.suffix in SUFFIXES and path.is_file() and path != Path(__file__)
        if is_text and "fixtures" not in path.parts and path.name != ".git":
            yield path


@pytest.mark.parametrize(
    ("line", "is_other"),
    [
        ("pip install matey", True),
        ("python -m pip install -U 'matey[plots]'", True),
        ('uv add "matey>=0.1"', True),
        ("uvx matey", True),
        ('test = ["matey[plots]"]', True),
        ("pip install matey-fm", False),
        ("pip install 'matey-fm[plots]'", False),
        ("pip install -c constraints.txt -e .", False),
        ("make install   .venv with matey in it", False),
        ("python -m pip install ./matey_core", False),
    ],
)
def test_the_other_project_is_recognized(line: str, is_other: bool) -> None:
    assert bool(OTHER.search(line)) == is_other


def test_nobody_is_told_to_install_the_other_project() -> None:
    told = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in texts()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if OTHER.search(line)
    ]
    assert told == []


def test_every_extra_that_is_named_exists() -> None:
    named = set()
    for path in texts():
        text = path.read_text(encoding="utf-8")
        for extras in re.findall(rf"{DISTRIBUTION}\[([\w, -]+)\]", text):
            named |= {extra.strip() for extra in extras.split(",")}
        named |= set(re.findall(r"""install_extra\(["'](\w+)["']\)""", text))
    assert named >= {"dask", "hdf5", "netcdf", "plots", "s3"}
    assert named <= set(PROJECT["optional-dependencies"])


def test_the_command_is_what_pyproject_names() -> None:
    assert PROJECT["name"] == DISTRIBUTION
    assert install_extra("plots") == "pip install 'matey-fm[plots]'"
    assert PROJECT["scripts"] == {"matey": "matey_cli.app:main"}


def test_all_places_name_the_same_version_and_license() -> None:
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert cited["version"] == __version__
    assert cited["license"] == PROJECT["license"] == "MIT"
    minors = re.findall(r"Python :: 3\.(\d+)", " ".join(PROJECT["classifiers"]))
    assert PROJECT["requires-python"] == f">=3.{minors[0]}"


def test_the_hosted_checks_are_those_of_ci_run() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    hosted = workflow["jobs"]["make"]["strategy"]["matrix"]["target"]
    assert hosted == re.findall(r"^make (\S+)$", (ROOT / ".ci/run").read_text(), re.MULTILINE)
    makefile = (ROOT / "Makefile").read_text()
    assert all(f"\n{target}:" in makefile for target in hosted)


def test_the_container_is_given_what_it_copies_and_runs() -> None:
    kept = [
        line.removeprefix("!")
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    ]
    assert all((ROOT / name).exists() for name in kept)
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert "/opt/matey/bench/demo.py" in dockerfile
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    wheel = build["targets"]["wheel"]
    needed = {"bench/demo.py", "constraints.txt", "pyproject.toml", PROJECT["readme"]}
    needed |= {*PROJECT["license-files"], *wheel["packages"], *wheel["force-include"]}
    assert needed <= set(kept)
