"""Folders of `.npy` files: which are trajectories, and which are fields of one."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from matey_core.errors import ConfigError, DataError
from matey_core.readers import ReaderOptions
from matey_core.readers.array import ArrayReader
from matey_core.readers.netcdf import NetcdfReader
from matey_core.workflows.prepare import PrepareConfig, prepare

DIMS = ("time", "y", "x")
SHAPE = (5, 6, 7)


def save(folder: Path, *names: str, shape: tuple[int, ...] = SHAPE, **parameters: Any) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        np.save(folder / f"{name}.npy", values(folder.name + name, shape))
    if parameters:
        (folder / "case.json").write_text(json.dumps(parameters))


def values(key: str, shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    return np.random.default_rng(list(key.encode())).normal(size=shape).astype(np.float32)


def reader(**options: Any) -> ArrayReader:
    return ArrayReader(ReaderOptions(dims=DIMS, **options))


@pytest.mark.parametrize(
    "names", [("u", "v"), ("Vx", "Vy", "pressure"), ("rho", "T"), ("alpha", "beta")]
)
def test_a_folder_a_trajectory_and_a_file_a_field(tmp_path: Path, names: tuple[str, ...]) -> None:
    for case in range(4):
        save(
            tmp_path / "bc" / f"case{case:04d}", *names, inflow=1.5 * case, kind="tube",
            fluid={"nu": 0.1, "is_gas": True},
        )  # fmt: skip
    (found,) = reader().find(tmp_path)
    assert found == tmp_path / "bc"
    source = reader().open(found)
    header = source.header
    assert sorted(header.spec.names) == sorted(names)
    assert header.sample_names == tuple(f"case{case:04d}" for case in range(4))
    assert sorted(header.parameters) == ["fluid_nu", "inflow"]
    assert header.parameters["inflow"].tolist() == [0, 1.5, 3, 4.5]
    for channel, name in enumerate(header.spec.names):
        expected = values("case0002" + name)
        np.testing.assert_array_equal(source.read(2, 1, 4)[:, channel], expected[1:4])


def test_a_store_of_them_is_up_to_date_until_a_file_changes(tmp_path: Path) -> None:
    for case in range(3):
        save(tmp_path / "bc" / f"case{case}", "u", "v", nu=0.1)
    config = PrepareConfig(reader="array", source=tmp_path, dims=DIMS)
    (row,) = prepare(config).rows
    assert (row.store.name, row.status, row.samples, row.fields) == (
        "bc.zarr", "converted", 3, ("u", "v"),
    )  # fmt: skip
    assert prepare(config).rows[0].status == "unchanged"
    (tmp_path / "bc" / "case1" / "case.json").write_text('{"nu": 0.25}')
    assert prepare(config).rows[0].note.startswith("the source has changed")


def test_a_lone_folder_of_fields_holds_its_own_stores(tmp_path: Path) -> None:
    save(tmp_path / "case", "u", "v", "p")
    config = PrepareConfig(reader="array", source=tmp_path / "case", dims=DIMS)
    assert prepare(config).rows[0].fields == ("p", "u", "v")
    assert prepare(config).rows[0].status == "unchanged"


def test_fields_may_hold_many_samples(tmp_path: Path) -> None:
    save(tmp_path / "all", "u", "v", shape=(3, *SHAPE))
    source = ArrayReader(ReaderOptions(dims=("sample", *DIMS))).open(tmp_path / "all")
    assert source.header.spec.names == ("u", "v")
    assert len(source.header.sample_names) == 3


def test_cases_of_several_shapes_are_sources_of_their_own(tmp_path: Path) -> None:
    save(tmp_path / "bc" / "a", "u", "v")
    save(tmp_path / "bc" / "b", "u", "v", shape=(4, 6, 7))
    assert reader().find(tmp_path) == [tmp_path / "bc" / "a", tmp_path / "bc" / "b"]
    assert reader().open(tmp_path / "bc" / "b").header.spec.names == ("u", "v")


def test_coordinates_and_masks_lie_beside_fields(tmp_path: Path) -> None:
    save(tmp_path / "case", "u", "v")
    np.save(tmp_path / "case" / "x.npy", 0.5 * np.arange(7))
    np.save(tmp_path / "case" / "mask.npy", np.ones((6, 7), bool))
    header = reader().open(tmp_path / "case").header
    assert header.spec.names == ("u", "v")
    assert header.spec.grid.spacing == (1.0, 0.5)
    assert [field.name for field in header.static_fields] == ["mask"]


@pytest.mark.parametrize(
    "names",
    [
        ("run0", "run1", "run2"),
        ("0001", "0002"),
        ("a", "b", "c"),
        ("u0", "u1", "u2"),
        ("train_0", "test_0"),
        ("re100_u", "re200_u", "re400_u"),
        ("monday", "tuesday"),
    ],
)
def test_other_names_are_those_of_trajectories(tmp_path: Path, names: tuple[str, ...]) -> None:
    save(tmp_path / "runs", *names)
    (found,) = reader().find(tmp_path)
    header = reader().open(found).header
    assert header.spec.names == ("u",)
    assert header.sample_names == tuple(sorted(names))


@pytest.mark.parametrize(
    "names",
    [
        ("density", "foo"),
        ("u_000", "u_001", "v_000", "v_001"),
        ("p1", "p2", "p3", "rho1", "rho2", "rho3"),
        ("inputs", "targets"),
        ("X_train", "X_test"),
        ("u", "v", "result"),
        ("u_0", "v_0", "u_1", "v_1"),
        ("case1_u", "case1_v", "case2_u", "case2_v"),
        ("run1-pressure", "run1-density"),
    ],
)
def test_what_is_not_clear_is_asked_for(tmp_path: Path, names: tuple[str, ...]) -> None:
    save(tmp_path / "runs", *names)
    (found,) = reader().find(tmp_path)
    with pytest.raises(ConfigError, match="not clear whether a file is a field") as caught:
        reader().open(found)
    assert "--join field" in caught.value.remedy
    assert len(reader(join="field").open(found).header.spec.names) == len(names)
    assert len(reader(join="sample").open(found).header.sample_names) == len(names)


def test_only_folders_of_the_source_tell(tmp_path: Path) -> None:
    save(tmp_path / "runs", "monday", "tuesday")
    save(tmp_path / "more", "monday", "tuesday")
    (found,) = reader().find(tmp_path / "runs")
    assert reader().open(found).header.sample_names == ("monday", "tuesday")
    assert reader().find(tmp_path) == [tmp_path]
    save(tmp_path / "less", "monday", "tuesday", shape=(2, 6, 7))
    some = reader()
    assert some.find(tmp_path) == [tmp_path / name for name in ("less", "more", "runs")]
    assert some.open(tmp_path / "less").header.spec.names == ("monday", "tuesday")


def test_a_folder_a_field_is_asked_for(tmp_path: Path) -> None:
    for field in ("u", "v"):
        save(tmp_path / field, "0001", "0002")
    with pytest.raises(ConfigError, match="folders u, v, which are named like fields"):
        reader().find(tmp_path)
    assert reader(join="sample").find(tmp_path) == [tmp_path / "u", tmp_path / "v"]
    assert reader().find(tmp_path / "u") == [tmp_path / "u"]
    for split in ("train", "test"):
        save(tmp_path / "data" / split, "0001", "0002")
    assert len(reader().find(tmp_path / "data")) == 2


def test_netcdf_files_named_like_fields_are_asked_for(tmp_path: Path) -> None:
    for field in ("u", "v"):
        data = xr.Dataset({"data": (DIMS, values(field))}, {"time": np.arange(5.0)})
        data.to_netcdf(tmp_path / f"{field}.nc", engine="h5netcdf")
    with pytest.raises(ConfigError, match=r"u\.nc, v\.nc: named like fields") as caught:
        NetcdfReader().open(tmp_path)
    assert "--join sample" in caught.value.remedy
    source = NetcdfReader(ReaderOptions(join="sample")).open(tmp_path)
    assert source.header.sample_names == ("u", "v")


def test_who_says_it_decides(tmp_path: Path) -> None:
    save(tmp_path / "a", "u", "v")
    save(tmp_path / "b", "run0", "run1")
    assert reader(join="sample").open(tmp_path / "a").header.sample_names == ("u", "v")
    assert reader(join="field").open(tmp_path / "b").header.spec.names == ("run0", "run1")
    with pytest.raises(ConfigError, match="takes no --join"):
        NetcdfReader(ReaderOptions(join="field"))


@pytest.mark.parametrize("text", ["{", "[1, 2]", '{"a": "text", "b": NaN, "c/d": 1, "e": true}'])
def test_what_no_parameters_can_be_made_of(tmp_path: Path, text: str) -> None:
    save(tmp_path / "case", "u", "v")
    (tmp_path / "case" / "case.json").write_text(text)
    if text == "{":
        with pytest.raises(DataError, match="damaged"):
            reader().open(tmp_path / "case")
    else:
        assert reader().open(tmp_path / "case").header.parameters == {}


@pytest.mark.parametrize(
    ("files", "told", "parameters", "options"),
    [
        (("case0/u", "case0/v"), "", ["dt", "dx", "nu"], {}),
        (("run0", "run1", "run2"), "left out: nu in case.json", ["dt", "dx"], {}),
        (("k0", "k1"), "left out: nu in case.json", ["dt", "dx"], {"join": "time"}),
        (("a.npz",), "left out: nu in case.json", ["dt", "dx"], {}),
    ],
)
def test_steps_are_read_from_the_json_beside(
    tmp_path: Path,
    files: tuple[str, ...],
    told: str,
    parameters: list[str],
    options: dict[str, Any],
) -> None:
    for number, name in enumerate(files):
        file = tmp_path / "a" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.with_suffix(file.suffix or ".npy").open("wb") as out:
            (np.savez if file.suffix else np.save)(out, np.full(SHAPE, number, np.float32))
    (file.parent / "case.json").write_text('{"dt": 0.25, "dx": 0.5, "nu": 0.1, "dy": "x"}')
    (path,) = reader(**options).find(tmp_path / "a" / files[0] if len(files) == 1 else file.parent)
    header = reader(**options).open(path).header
    assert (header.spec.time_step, header.spec.grid.spacing) == (0.25, (1.0, 0.5))
    steps = ["steps of 0.25 along time, from dt", "steps of 0.5 along x, from dx"]
    assert [note for note in header.notes if "steps of" in note] == steps
    assert [note for note in header.notes if "left out" in note] == [told][: bool(told)]
    assert sorted(header.parameters) == parameters
    stated = reader(time_step=2.0, spacing=(1.0, 3.0), **options).open(path).header.spec
    assert (stated.time_step, stated.grid.spacing) == (2.0, (1.0, 3.0))


@pytest.mark.parametrize(
    "text", ["[", "9" * 5000, '{"dt": 1' + "0" * 400 + "}", '{"dt": -1, "dx": 0}', "[1]"]
)
def test_a_json_that_tells_no_steps_changes_nothing(tmp_path: Path, text: str) -> None:
    save(tmp_path, "run0", "run1")
    (tmp_path / "case.json").write_text(text)
    header = reader().open(tmp_path).header
    assert (header.spec.time_step, header.spec.grid.spacing) == (1.0, (1.0, 1.0))
    assert any("case.json" in note for note in header.notes) == (text == "[" or len(text) > 99)


def test_too_many_numbers_are_no_parameters(tmp_path: Path) -> None:
    save(tmp_path / "case", "u", "v")
    (tmp_path / "case/case.json").write_text(json.dumps({f"k{i}": i for i in range(1001)}))
    with pytest.raises(DataError, match=r"case\.json holds 1,001 numbers; at most 1,000"):
        reader().open(tmp_path / "case")
