"""Fixtures shared by all tests."""

import os
from pathlib import Path

import pytest

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
