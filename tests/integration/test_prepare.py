"""Every published layout, converted and compared with its source value by value."""

from collections.abc import Iterator
from pathlib import Path

from matey_core.store import open_store
from matey_core.workflows.prepare import PrepareConfig, PrepareRow, prepare
from tests.round_trip import assert_equals_source


def converted(source: Path, out: Path) -> Iterator[PrepareRow]:
    report = prepare(PrepareConfig(source=source, out=out))
    assert {row.status for row in report.rows} == {"converted"}
    yield from report.rows


def test_every_file_equals_its_source(pdebench: Path, tmp_path: Path) -> None:
    rows = list(converted(pdebench, tmp_path))
    assert len(rows) == len(list(pdebench.rglob("*.h*5"))) >= 11
    for row in rows:
        assert_equals_source(row)


def test_what_published_files_are(genuine: Path, tmp_path: Path) -> None:
    rows = {row.store.stem: row for row in converted(genuine, tmp_path)}
    found = {name: open_store(row.store) for name, row in rows.items()}
    assert found["2D_rdb_NA_NA"].sample_names == ("0000", "0001", "0023")
    assert found["2D_diff-react_NA_NA"].spec.grid.axes == ("y", "x")
    assert found["2D_DarcyFlow_beta1.0_Train"].is_static
    burgers = found["1D_Burgers_Sols_Nu0.01"]
    assert (burgers.num_frames, burgers.parameters["nu"][0]) == (201, 0.01)


def test_every_file_at_64_equals_its_source(pdebench_64: Path, tmp_path: Path) -> None:
    for row in converted(pdebench_64, tmp_path):
        assert_equals_source(row)
        assert min(row.splits or ()) >= 1


def test_files_of_one_name_get_stores_of_their_own(
    genuine: Path, genuine_64: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for folder in (genuine, genuine_64):
        (data / folder.name).symlink_to(folder / "2D" / "shallow-water")
    report = prepare(PrepareConfig(source=data, limit=2))
    assert [row.store.name for row in report.rows] == [
        "pdebench-2D_rdb_NA_NA.zarr",
        "pdebench_64-2D_rdb_NA_NA.zarr",
    ]
    assert [row.shape for row in report.rows] == [(128, 128), (64, 64)]


def test_every_shared_file_comes_back(shared_data: Path, tmp_path: Path) -> None:
    report = prepare(PrepareConfig(reader="auto", source=shared_data, out=tmp_path, check=False))
    assert len(report.rows) == 15
    for row in report.rows:
        assert_equals_source(row)
