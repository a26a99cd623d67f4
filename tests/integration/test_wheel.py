"""What a person gets who installs the wheel: the commands and the settings files, and no clone."""

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from matey_core import __version__
from matey_core.config import shipped_settings

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

ROOT = Path(__file__).parents[2]
CPU_INDEX = os.environ.get("TORCH_INDEX", "https://download.pytorch.org/whl/cpu")
# As in the README, small enough for a test.
COMMANDS = (
    "prepare pdebench ./data",
    "pretrain --config laptop --preset ti --steps 2 --batch-size 2",
    "finetune --freeze-attention --n-samples 8 --steps 2 --batch-size 2",
    "rollout --steps 2",
    "tokenize-inspect",
    "profile",
)


def run(
    *line: object, cwd: Path = ROOT, is_needed: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run a program that knows nothing of this clone."""
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [str(part) for part in line],
        cwd=cwd,
        env={**kept, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0 or not is_needed, (
        f"{line}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    )
    return done


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder, ROOT)
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that has the wheel, and what it asks for, and nothing else."""
    folder = tmp_path_factory.mktemp("empty")
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    pins = ROOT / "constraints.txt"
    torch = next(line for line in pins.read_text().splitlines() if line.startswith("torch=="))
    install = (python, "-m", "pip", "install", "-q")
    # PyTorch alone and first, from this machine's disk or its CPU index, as the Makefile does.
    sources = (("--no-index", "--no-deps"), ("--index-url", CPU_INDEX))
    if all(run(*install, *source, torch, is_needed=False).returncode for source in sources):
        pytest.skip(f"{torch} for the CPU is neither on this machine nor in {CPU_INDEX}")
    run(*install, "-c", pins, wheel)
    return python


def test_the_wheel_is_complete(wheel: Path) -> None:
    assert wheel.name == f"matey_fm-{__version__}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {f"matey_core/configs/{name}.toml" for name in shipped_settings()} <= set(names)
    assert "matey_core/hubs/weights/matey/tiny/model/model.safetensors" in names
    assert {"matey_core/py.typed", "matey_cli/py.typed"} <= set(names)
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert {name.partition("/")[0] for name in names} == {
        "matey_core",
        "matey_cli",
        f"matey_fm-{__version__}.dist-info",
    }


def test_an_installed_wheel_runs_the_six_commands(python: Path, tmp_path: Path) -> None:
    matey = python.with_name("matey")
    code = "import matey_core; print(matey_core.__file__)"
    assert str(python.parents[1]) in run(python, "-c", code, cwd=tmp_path).stdout
    assert run(matey, "--version", cwd=tmp_path).stdout == f"matey {__version__}\n"
    line = "simulate diffusion-reaction --samples 12 --grid 16 --out ./data"
    for command in (line, *COMMANDS):
        run(matey, *command.split(), cwd=tmp_path)
    assert list((tmp_path / "runs").glob("*/model/model.safetensors"))
    assert list((tmp_path / "runs").glob("*/rollout/*.zarr"))
