"""Files and datasets of The Well are read as they say they are."""

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from matey_core.errors import ConfigError, DataError
from matey_core.fields import Field
from matey_core.readers import READERS, Header, ReaderOptions
from tests.support import tiny_source
from tests.support_well import wave, well_dataset, well_file

READER = READERS["the_well"]()


def header(path: Path) -> Header:
    return READER.open(path).header


def test_scalars_vectors_and_tensors_are_fields_in_the_order_of_the_file(tmp_path: Path) -> None:
    found = header(well_file(tmp_path / "a.hdf5"))
    assert found.spec.names == (
        *("tracer", "shear", "velocity_x", "velocity_y"),
        *("D_xx", "D_xy", "D_yx", "D_yy"),
    )
    assert found.spec.fields[3] == Field(name="velocity_y", component=("y",))
    assert found.spec.fields[5] == Field(name="D_xy", component=("x", "y"))
    assert [field.name for field in found.static_fields] == ["mask", "force_x", "force_y"]
    assert (found.spec.grid.axes, found.spec.grid.shape) == (("x", "y"), (8, 6))
    assert found.spec.grid.spacing == pytest.approx((1 / 8, 1 / 6))
    assert (found.spec.time_step, found.dtype) == (0.5, np.dtype("<f4"))


def test_values_are_those_of_the_file_repeated_where_they_do_not_vary(tmp_path: Path) -> None:
    source = READER.open(well_file(tmp_path / "a.hdf5"))
    values = source.read(1, 2, 4)
    assert (values.shape, values.dtype) == ((2, 8, 8, 6), np.float32)
    np.testing.assert_array_equal(values[:, 0], wave(2, 5, 8, 6)[1, 2:4])
    shear = np.repeat(wave(2, 5, 8)[1, 2:4, :, None], 6, axis=-1)
    np.testing.assert_array_equal(values[:, 1], shear)
    np.testing.assert_array_equal(values[:, 3], wave(2, 5, 8, 6, 2)[1, 2:4, ..., 1])
    np.testing.assert_array_equal(values[:, 5], wave(2, 5, 8, 6, 2, 2)[1, 2:4, ..., 0, 1])
    assert values[:, 0].flags.c_contiguous
    static = source.read_static(1)
    np.testing.assert_array_equal(static[0], wave(8, 6) > 0)
    np.testing.assert_array_equal(static[2], wave(2, 8, 6, 2)[1, ..., 1])


def test_masks_of_any_real_type_are_read_as_numbers(tmp_path: Path) -> None:
    def boolean(file: h5py.File) -> None:
        del file["t0_fields/mask"]
        file["t0_fields/mask"] = np.eye(8, 6, dtype=bool)

    source = READER.open(well_file(tmp_path / "a", change=boolean))
    assert source.header.dtype == np.float32
    np.testing.assert_array_equal(source.read_static(0)[0], np.eye(8, 6, dtype=np.float32))


def test_axes_without_variation_may_be_there_and_components_on_one_axis(tmp_path: Path) -> None:
    def reshape(file: h5py.File) -> None:
        for name, shape in (("t0_fields/shear", (2, 5, 8, 1)), ("t2_fields/D", (2, 5, 8, 6, 4))):
            attributes, values = dict(file[name].attrs), file[name][...]
            del file[name]
            file[name] = values.reshape(shape)
            file[name].attrs.update(attributes)

    one, other = well_file(tmp_path / "a"), well_file(tmp_path / "b", change=reshape)
    np.testing.assert_array_equal(READER.open(one).read(1, 0, 5), READER.open(other).read(1, 0, 5))


def test_three_axes_with_a_tensor(tmp_path: Path) -> None:
    path = well_file(tmp_path / "a", axes=("x", "y", "z"), shape=(4, 6, 3), samples=1, frames=2)
    source = READER.open(path)
    assert len(source.header.spec.fields) == 1 + 1 + 3 + 9
    assert source.header.spec.grid.boundary == ("periodic", "no_flux", "outflow")
    last = wave(1, 2, 4, 6, 3, 3, 3)[0, ..., 2, 2]
    np.testing.assert_array_equal(source.read(0, 0, 2)[:, -1], last)


def test_other_grids_keep_the_names_of_their_axes(tmp_path: Path) -> None:
    def descending(file: h5py.File) -> None:
        file["dimensions/theta"][...] = np.linspace(3, 0, 6)

    path = well_file(tmp_path / "a", axes=("phi", "theta"), change=descending)
    found = header(path)
    assert found.spec.fields[2] == Field(name="velocity_phi", component=("phi",))
    assert found.spec.fields[5].component == ("phi", "theta")
    assert found.spec.grid.spacing[1] == pytest.approx(0.6)
    assert found.coordinates["theta"][0] == 3


def test_constant_scalars_are_parameters_and_those_that_vary_in_time_are_not(
    tmp_path: Path,
) -> None:
    parameters = header(well_file(tmp_path / "a")).parameters
    assert parameters.keys() == {"viscosity", "Ra"}
    np.testing.assert_allclose(parameters["viscosity"], [0.01, 0.01])
    np.testing.assert_array_equal(parameters["Ra"], [1e4, 2e4])


def internal_wall(file: h5py.File) -> None:
    group = file.create_group("boundary_conditions/xy_wall")
    group.attrs.update(associated_dims=["x", "y"], bc_type="WALL")
    group["mask"] = np.eye(8, 6, dtype=bool)


def one_open_end(file: h5py.File) -> None:
    file["boundary_conditions/y_wall/mask"][-1] = False
    file.copy("boundary_conditions/x_open", "boundary_conditions/y_open")
    file["boundary_conditions/y_open"].attrs["associated_dims"] = ["y"]
    del file["boundary_conditions/y_open/mask"]
    file["boundary_conditions/y_open/mask"] = np.arange(6) == 5


def noslip(file: h5py.File) -> None:
    file.move("boundary_conditions/y_wall", "boundary_conditions/y_wall_noslip")
    file["boundary_conditions/y_wall_noslip"].attrs["associated_dims"] = "y"


@pytest.mark.parametrize(
    ("kinds", "change", "expected"),
    [
        (("PERIODIC", "WALL"), internal_wall, ("periodic", "no_flux")),
        (("OPEN", "PERIODIC"), lambda file: None, ("outflow", "periodic")),
        (("OPEN", "WALL"), one_open_end, ("outflow", "unknown")),
        (("OPEN", "wall"), noslip, ("outflow", "no_slip")),
        (("MOVING",), lambda file: None, ("unknown", "unknown")),
    ],
)
def test_boundaries_are_those_of_both_ends(
    tmp_path: Path,
    kinds: tuple[str, ...],
    change: Callable[[h5py.File], None],
    expected: tuple[str, ...],
) -> None:
    path = well_file(tmp_path / "a", boundaries=kinds, change=change)
    assert header(path).spec.grid.boundary == expected


def test_times_may_start_anew_for_each_sample(tmp_path: Path) -> None:
    times = np.array([[0, 1, 2], [10, 11, 12]], np.float32)
    found = header(well_file(tmp_path / "a", frames=3, times=times))
    assert found.sample_times is not None
    np.testing.assert_array_equal(found.sample_times, times)
    np.testing.assert_array_equal(found.times, times[0])
    same = header(well_file(tmp_path / "b", frames=3, times=times[[0, 0]]))
    assert same.sample_times is None
    refused(well_file(tmp_path / "c", frames=3, times=times * [[1], [2]]), "time steps differ")


def test_a_dataset_is_one_source_that_keeps_its_splits(tmp_path: Path) -> None:
    folder = well_dataset(tmp_path / "tiny flow")
    assert READER.find(tmp_path) == [folder]
    source = pickle.loads(pickle.dumps(READER.open(folder)))
    assert source.header.sample_names == (
        *("train/a/0", "train/a/1", "train/b/0", "train/b/1"),
        *("valid/a/0", "valid/a/1", "test/a/0", "test/a/1"),
    )
    assert source.header.splits == ("train",) * 4 + ("validation",) * 2 + ("test",) * 2
    expected = [0.01, 0.01, 0.02, 0.02, 0.03, 0.03, 0.04, 0.04]
    np.testing.assert_allclose(source.header.parameters["viscosity"], expected)
    np.testing.assert_array_equal(source.read(5, 0, 5)[:, 0], 2 + wave(2, 5, 8, 6)[1])


def test_a_dataset_is_found_by_any_of_its_folders(tmp_path: Path) -> None:
    folder = well_dataset(tmp_path / "flow")
    assert READER.find(folder / "data") == [folder / "data"]
    train = folder / "data" / "train"
    assert READER.find(train) == [train]
    assert header(train).splits == ("train",) * 4
    assert header(folder / "data" / "test" / "a.hdf5").splits == ("test",) * 2


def test_files_of_one_folder_are_one_source_without_splits(tmp_path: Path) -> None:
    well_file(tmp_path / "flow" / "a.hdf5")
    well_file(tmp_path / "flow" / "b.hdf5", viscosity=0.1)
    well_dataset(tmp_path / "flow" / "more")
    alone = well_file(tmp_path / "alone" / "a.hdf5")
    tiny_source(tmp_path / "other" / "c.hdf5")
    assert READER.find(tmp_path) == [alone, tmp_path / "flow", tmp_path / "flow" / "more"]
    found = header(tmp_path / "flow")
    assert (len(found.sample_names), found.splits) == (4, ())


def test_a_file_of_several_grids_is_a_source_of_its_own(tmp_path: Path) -> None:
    folder = well_dataset(tmp_path)
    odd = well_file(folder / "data" / "train" / "c.hdf5", shape=(8, 4))
    found = READER.find(folder)
    assert [path.name for path in found] == ["a.hdf5", "a.hdf5", "b.hdf5", "c.hdf5", "a.hdf5"]
    assert header(odd).splits == ("train",) * 2
    with pytest.raises(DataError, match="shape: 8, 6 and 8, 4"):
        READER.open(folder)


def test_datasets_are_not_mixed(tmp_path: Path) -> None:
    well_file(tmp_path / "a.hdf5")
    well_file(tmp_path / "b.hdf5", name="another")
    assert READER.find(tmp_path) == [tmp_path / "a.hdf5", tmp_path / "b.hdf5"]
    with pytest.raises(DataError, match="another, tiny_flow"):
        READER.open(tmp_path)


def test_a_damaged_file_is_not_left_out(tmp_path: Path) -> None:
    folder = well_dataset(tmp_path)
    path = folder / "data" / "train" / "b.hdf5"
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(DataError, match=r"b\.hdf5 is truncated"):
        READER.find(folder)


def test_options_say_what_the_file_does_not(tmp_path: Path) -> None:
    path = well_file(tmp_path / "a")
    options = ReaderOptions(directed=("y",), conserved=("tracer",))
    found = READERS["the_well"](options).open(path).header
    assert (found.directed, found.conserved) == (("y",), ("tracer",))
    with pytest.raises(ConfigError, match="z"):
        READERS["the_well"](ReaderOptions(directed=("z",))).open(path)


def varying_x(file: h5py.File) -> None:
    file["dimensions/x"].attrs["sample_varying"] = True


def chebyshev(file: h5py.File) -> None:
    file["dimensions/y"][...] = -np.cos(np.pi * np.arange(6) / 5)


def escaping(file: h5py.File) -> None:
    file["t0_fields"].move("tracer", "..")
    file["t0_fields"].attrs["field_names"] = ["..", "shear", "mask"]


def twice(file: h5py.File) -> None:
    file["t0_fields"].move("tracer", "velocity_x")
    file["t0_fields"].attrs["field_names"] = ["velocity_x", "shear", "mask"]


def missing(file: h5py.File) -> None:
    del file["t0_fields/tracer"]


def texts(file: h5py.File) -> None:
    del file["t0_fields/tracer"]
    file["t0_fields/tracer"] = np.full((2, 5, 8, 6), b"text")
    file["t0_fields/tracer"].attrs.update(sample_varying=True, time_varying=True)


def set_attribute(place: str, name: str, value: Any) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        file[place].attrs[name] = value

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (varying_x, ("positions along x", "share one grid")),
        (chebyshev, ("dimensions/y", "unevenly spaced")),
        (escaping, ("'..'", "no plain name")),
        (twice, ("'velocity_x'",)),
        (missing, ("names the field 'tracer'",)),
        (texts, ("t0_fields/tracer", "|S4")),
        (
            set_attribute("/", "n_trajectories", 3),
            ("t0_fields/tracer", "(2, 5, 8, 6)", "(3, 5, 8, 6)"),
        ),
        (set_attribute("/", "n_trajectories", 0), ("0 trajectories",)),
        (set_attribute("dimensions", "spatial_dims", ["x", "../y"]), ("spatial_dims",)),
        (set_attribute("t0_fields/shear", "dim_varying", [True]), ("dim_varying", "1 values")),
        (set_attribute("t1_fields/velocity", "time_varying", False), ("t1_fields/velocity",)),
    ],
)
def test_unfit_files_are_refused(
    tmp_path: Path, change: Callable[[h5py.File], None], words: tuple[str, ...]
) -> None:
    refused(well_file(tmp_path / "a.hdf5", change=change), *words)


def refused(path: Path, *words: str) -> None:
    with pytest.raises(DataError) as caught:
        READER.open(path)
    for word in (str(path), *words):
        assert word in str(caught.value)


def test_other_files_are_refused(tmp_path: Path) -> None:
    refused(tiny_source(tmp_path / "a.h5"), "not in the layout of The Well")
    assert not READER.recognizes(tmp_path)
    with pytest.raises(DataError, match="no file in the layout"):
        READER.find(tmp_path)
