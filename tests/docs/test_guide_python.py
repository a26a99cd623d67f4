"""The page on models in Python runs from its first line to its last."""

import re
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from tests.support import tiny_store
from tests.unit.workflows.runs import tiny_run

PAGE = Path(__file__).parents[2] / "docs" / "guides" / "python.md"


def test_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = tiny_store(tmp_path / "data", name="2D_rdb_NA_NA", fields=("height",), samples=4)
    tiny_run(tmp_path, store)
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert len(blocks) == 5
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), names)
    nrmse = names["nrmse"]
    assert isinstance(nrmse, xr.DataArray)
    assert np.isfinite(nrmse).all()
    with xr.open_zarr(tmp_path / "forecast.zarr", consolidated=False) as written:
        assert dict(written.sizes) == {"sample": 4, "time": 3, "x": 16, "y": 16}
