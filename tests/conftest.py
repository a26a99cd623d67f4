"""Fixtures shared by all tests."""

import fcntl
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.command import Matey, Result

settings.register_profile(
    "default",
    deadline=None,  # two busy cores: a slow example is no failure
    derandomize=True,
    max_examples=50,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("long", settings.get_profile("default"), max_examples=500)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

SHARED = Path(__file__).resolve().parents[2] / "shared"


def pytest_configure(config: pytest.Config) -> None:
    """Give each test process one thread: they share two cores."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    import torch

    from tests.pretended import pretended

    # A shell ignores Ctrl-C for what runs behind it, and so would the commands that tests start.
    is_main = threading.current_thread() is threading.main_thread()
    if is_main and signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    torch.set_num_threads(1)
    pretended()  # before the first backward pass, which starts a thread for every device


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs a GPU where PyTorch sees none."""
    import torch

    if not torch.cuda.is_available():
        reason = f"needs a CUDA device, and PyTorch {torch.__version__} sees none"
        for item in items:
            if item.get_closest_marker("gpu"):
                item.add_marker(pytest.mark.skip(reason=reason))


def _shared(*parts: str) -> Path:
    folder = SHARED.joinpath(*parts)
    if not folder.exists():
        pytest.skip(f"needs {folder}, which is not part of the repository")
    return folder


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder with genuine files of all layouts."""
    return _shared("data")


@pytest.fixture(scope="session")
def genuine() -> Path:
    """Folder with a small genuine file of every PDEBench family."""
    return _shared("data", "pdebench")


@pytest.fixture(scope="session")
def genuine_64() -> Path:
    """Folder with genuine diffusion–reaction and shallow water at 64×64."""
    return _shared("data", "pdebench_64")


@pytest.fixture(scope="session")
def pdebench(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with a small file of every PDEBench family: genuine ones, else simulated."""
    if SHARED.exists():
        return _shared("data", "pdebench")
    return _simulated(tmp_path_factory)


@pytest.fixture(scope="session")
def pdebench_64(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with diffusion–reaction and shallow water at 64×64: genuine, else simulated."""
    if SHARED.exists():
        return _shared("data", "pdebench_64")
    folder = tmp_path_factory.mktemp("pdebench_64")
    for name in ("diffusion-reaction", "shallow-water"):
        (folder / name).symlink_to(_simulated(tmp_path_factory) / "2D" / name)
    return folder


def _simulated(factory: pytest.TempPathFactory) -> Path:
    """Make the tiny suite and a static problem, once for all test processes."""
    is_shared = "PYTEST_XDIST_WORKER" in os.environ
    base = factory.getbasetemp().parent if is_shared else factory.getbasetemp()
    out = base / "simulated"
    out.mkdir(exist_ok=True)
    with (out / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        simulate = [sys.executable, "-m", "matey_cli", "simulate"]
        if not (out / "pretraining" / "2D" / "DarcyFlow").exists():
            suite = ("suite", "--scale", "tiny", "--out", str(out))
            darcy = ("darcy", "--grid", "32", "--out", str(out / "pretraining"))
            for arguments in (suite, darcy):
                subprocess.run([*simulate, *arguments], check=True, capture_output=True)
    return out / "pretraining"


@pytest.fixture(scope="session")
def reference() -> Path:
    """Folder with values computed by the published implementation."""
    return _shared("spec", "reference")


@pytest.fixture
def matey(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Matey:
    """Run the command line in an empty directory, or in `cwd`, within this process.

    Importing torch has been paid for here already.
    """

    def run(*arguments: object, cwd: Path = tmp_path) -> Result:
        from matey_cli.app import main

        line = ["matey", *map(str, arguments)]
        with monkeypatch.context() as patch:
            patch.chdir(cwd)
            patch.setattr(sys, "argv", line)
            with pytest.raises(SystemExit) as stop:
                main()
        captured = capsys.readouterr()
        return Result(line, int(str(stop.value)), captured.out, captured.err)

    return run
