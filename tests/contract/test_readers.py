"""What every reader promises, whatever its layout."""

from pathlib import Path

import pytest

from matey_core.errors import DataError
from matey_core.readers import READERS


@pytest.mark.parametrize("name", READERS.names())
def test_a_folder_without_sources_is_one_clear_error(name: str, tmp_path: Path) -> None:
    reader = READERS[name]()
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(DataError) as caught:
            reader.find(folder)
        assert str(folder) in str(caught.value)
        assert caught.value.remedy


@pytest.mark.parametrize("name", READERS.names())
def test_a_summary_is_known_without_importing(name: str) -> None:
    assert READERS.summary(name)
