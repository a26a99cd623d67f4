"""Values that float32 cannot hold are told before a training begins."""

import json
from pathlib import Path

import pytest

from matey_core.errors import DataError
from matey_core.runs.sources import sources_of
from matey_core.store import open_store
from tests.support import tiny_store


def scaled(folder: Path, *, name: str, factor: float = 1.0, offset: float = 0.0) -> Path:
    """A store that tells of other values of its density than it has."""
    path = tiny_store(folder, name=name, samples=4, frames=6)
    described = json.loads((path / "zarr.json").read_text())
    (density,) = (d for d in described["attributes"]["fields"] if d["name"] == "density")
    numbers = density["statistics"]
    for key in ("min", "max", "mean"):
        numbers[key] = numbers[key] * factor + offset
    numbers["std"] *= factor
    (path / "zarr.json").write_text(json.dumps(described))
    return path


def cut(*paths: Path) -> tuple[list[str], list[str]]:
    """Names of the stores that are trained on, and the notes."""
    sources, notes = sources_of(
        [open_store(path) for path in paths],
        history=1,
        max_lead=1,
        choose=lambda store: store.samples("train"),
    )
    return [source.store.name for source in sources], notes


@pytest.mark.parametrize("factor", [1e150, 1e40, 1e-45, 1e-150])
def test_a_store_beyond_float32_is_left_out_with_its_field(tmp_path: Path, factor: float) -> None:
    good, bad = tiny_store(tmp_path, name="good"), scaled(tmp_path, name="bad", factor=factor)
    names, notes = cut(good, bad)
    assert names == ["good"]
    assert any(note.startswith("bad is left out: density has values up to") for note in notes)
    with pytest.raises(DataError, match="density has values up to"):
        cut(bad)


@pytest.mark.parametrize(("offset", "is_said"), [(0.0, False), (300.0, False), (1e7, True)])
def test_a_spread_that_float32_does_not_keep_is_said(
    tmp_path: Path, offset: float, is_said: bool
) -> None:
    names, notes = cut(scaled(tmp_path, name="a", offset=offset))
    assert names == ["a"]
    assert any("which float32 does not keep" in note for note in notes) == is_said
