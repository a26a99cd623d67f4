"""Fixtures shared by all tests."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

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

    torch.set_num_threads(1)


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
def pdebench() -> Path:
    """Folder with a small file of every PDEBench family."""
    return _shared("data", "pdebench")


@pytest.fixture(scope="session")
def pdebench_64() -> Path:
    """Folder with diffusion–reaction and shallow water at 64×64."""
    return _shared("data", "pdebench_64")


@pytest.fixture(scope="session")
def reference() -> Path:
    """Folder with values computed by the published implementation."""
    return _shared("spec", "reference")
