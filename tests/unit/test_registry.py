"""Parts are files, folders, or come from other installed packages."""

import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from matey_core.errors import ConfigError
from matey_core.readers import READERS
from matey_core.registry import Registry


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of installed packages."""
    monkeypatch.syspath_prepend(tmp_path)
    known = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - known:
        if name.startswith("outside_"):
            del sys.modules[name]


def install(site: Path, name: str, source: str, entry_points: str) -> None:
    """Write a package as pip leaves it: a module, and metadata with its entry points."""
    (site / f"{name}.py").write_text(textwrap.dedent(source))
    metadata = site / f"{name}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(textwrap.dedent(entry_points))


def family() -> Registry[Any]:
    """The kernels' folder behind a registry of its own, which no other test has filled."""
    return Registry("matey_core.kernels")


def test_folders_and_files_are_parts_and_private_ones_are_not() -> None:
    assert {"pdebench", "array", "auto", "netcdf", "the_well"} <= set(READERS.names())
    assert not [name for name in READERS.names() if name.startswith("_")]
    assert READERS.summary("pdebench").startswith("PDEBench")


def test_a_part_of_another_package_is_listed_without_being_imported(site: Path) -> None:
    install(
        site,
        "outside_one",
        """
        from matey_core.kernels import KERNELS

        @KERNELS.register("outside")
        def outside(q, k, v):
            return v
        """,
        "[matey.kernels]\noutside = outside_one\n",
    )
    kernels = family()
    assert "outside" in kernels.names()
    assert kernels.summary("outside") == "Of the package outside_one"
    assert "outside_one" not in sys.modules


def test_a_part_of_another_package_registers_itself_when_it_is_asked_for(site: Path) -> None:
    from matey_core.kernels import KERNELS

    install(
        site,
        "outside_two",
        """
        from matey_core.kernels import KERNELS

        @KERNELS.register("last_value")
        def last_value(q, k, v):
            return v
        """,
        "[matey.kernels]\nlast_value = outside_two\n",
    )
    KERNELS.__dict__.pop("_outside", None)  # looked up once a process, before the package came
    try:
        assert KERNELS["last_value"](1, 2, 3) == 3
    finally:
        KERNELS._entries.pop("last_value", None)
        KERNELS.__dict__.pop("_outside", None)


def test_what_is_wrong_with_a_foreign_package_is_an_error_of_that_part_alone(site: Path) -> None:
    install(
        site,
        "outside_broken",
        "from matey_core.kernels import NO_SUCH_THING\n",
        "[matey.kernels]\nbroken = outside_broken\nlacking = outside_gone\nmath = outside_broken\n"
        "silent = outside_silent\nwrong = outside_wrong\n",
    )
    (site / "outside_silent.py").write_text("")
    (site / "outside_wrong.py").write_text("1 / 0\n")
    kernels = family()
    assert {"broken", "lacking", "sdpa"} <= set(kernels.names())
    with pytest.raises(
        ConfigError, match=r"'broken' of outside_broken cannot be loaded: .*NO_SUCH"
    ):
        kernels["broken"]
    with pytest.raises(ConfigError, match=r"'wrong' of outside_wrong cannot .*ZeroDivisionError"):
        kernels["wrong"]
    with pytest.raises(ConfigError, match="'lacking' needs the package outside_gone"):
        kernels["lacking"]
    with pytest.raises(ConfigError, match="outside_silent does not register 'silent'"):
        kernels["silent"]
    with pytest.raises(
        ConfigError, match="has a part 'math', and the installed outside_broken has"
    ):
        kernels["math"]


def test_a_name_that_is_not_there_is_answered_with_the_nearest() -> None:
    with pytest.raises(
        ConfigError, match="unknown name 'math_' in kernels; names are auto"
    ) as caught:
        family()["math_"]
    assert caught.value.remedy == "Did you mean 'math'?"
