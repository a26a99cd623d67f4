"""Whatever is in the files, prepare ends with whole stores or with a sentence about the file."""

import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matey_core.errors import MateyError
from matey_core.store import open_store
from matey_core.workflows.prepare import PrepareConfig, prepare
from tests.support import tiny_source


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("sound")
    return [
        tiny_source(folder / "flow.h5", samples=3, frames=4),
        tiny_source(folder / "height.h5", samples=3, frames=4, fields=("height",)),
    ]


@given(data=st.data())
def test_a_damaged_file_gives_a_whole_store_or_a_sentence(sound: list[Path], data) -> None:
    original = data.draw(st.sampled_from(sound))
    content = bytearray(original.read_bytes())
    for _ in range(data.draw(st.integers(0, 3))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] = data.draw(st.integers(0, 255))
    length = data.draw(st.integers(0, len(content)) | st.just(len(content)))
    folder = Path(tempfile.mkdtemp())
    try:
        name = data.draw(st.sampled_from(["a.h5", "ü.hdf5", "no suffix", "1.5"]))
        (folder / name).write_bytes(content[:length])
        rows = None
        with suppress(MateyError):
            rows = prepare(PrepareConfig(source=folder, workers=1)).rows
        whole = set() if rows is None else {row.store for row in rows}
        assert {*folder.rglob("*.zarr"), *folder.rglob("*.partial")} == whole
        for store in map(open_store, whole):
            for sample in range(store.num_samples):
                assert np.isfinite(store.read(sample, 0, store.num_frames)).all()
    finally:
        shutil.rmtree(folder)


def test_links_in_a_circle_are_followed_once(tmp_path: Path) -> None:
    tiny_source(tmp_path / "data" / "flow.h5")
    (tmp_path / "data" / "again").symlink_to(tmp_path / "data", target_is_directory=True)
    (row,) = prepare(PrepareConfig(source=tmp_path / "data")).rows
    assert row.status == "converted"
