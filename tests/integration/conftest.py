"""What integration tests have in common."""

from pathlib import Path

import pytest

from tests.support import tiny_store


@pytest.fixture(scope="session")
def one_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with one small store, which tests only read."""
    folder = tmp_path_factory.mktemp("data")
    tiny_store(folder, name="flow_periodic")
    return folder


@pytest.fixture
def project(tmp_path: Path, one_store: Path) -> Path:
    """A working directory of its own with that store in ./data."""
    (tmp_path / "data").symlink_to(one_store)
    return tmp_path
