"""Paths that are not UTF-8 are refused by name, before anything is written."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from matey_core.config import validate
from matey_core.errors import ConfigError, DataError
from matey_core.workflows.prepare import PrepareConfig, prepare

NAME = os.fsdecode(b"p\xff")
ARRAYS: Any = {"reader": "array", "dims": ("time", "y", "x"), "workers": 1}


def test_a_setting_that_is_not_utf8_is_named_with_its_bytes() -> None:
    with pytest.raises(ConfigError, match=r"p\\xff/u\.npy is not UTF-8") as caught:
        validate(PrepareConfig, {"source": f"{NAME}/u.npy"}, source="settings")
    assert "Rename it" in caught.value.remedy


def test_a_source_that_is_not_utf8_is_refused_before_a_store_is_written(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(5, 8, 6)).astype(np.float32)
    (tmp_path / NAME).mkdir()
    np.save(tmp_path / NAME / "u.npy", values)
    config = PrepareConfig(source=tmp_path, out=tmp_path / "zarr", **ARRAYS)
    with pytest.raises(DataError, match=r"p\\xff.* is not UTF-8"):
        prepare(config)
    assert not (tmp_path / "zarr").exists()


def test_a_link_to_such_a_source_is_refused_as_well(tmp_path: Path) -> None:
    (tmp_path / NAME).mkdir()
    np.save(tmp_path / NAME / "u.npy", np.random.default_rng(0).normal(size=(5, 8, 6)))
    link = tmp_path / "link"
    link.symlink_to(tmp_path / NAME)
    config = PrepareConfig(source=link, out=tmp_path / "zarr", **ARRAYS)
    with pytest.raises(DataError, match=r"/p\\xff is not UTF-8"):
        prepare(config)
