"""Every layout of PDEBench is recognized and read, whatever its quirks."""

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from matey_core.errors import DataError
from matey_core.fields import Field
from matey_core.readers import READERS, Header, Source
from tests.support import tiny_source

READER = READERS["pdebench"]()
X = (np.arange(4, dtype=np.float32) + 0.5) / 4
Y = (np.arange(6, dtype=np.float32) + 0.5) / 6


def wave(*shape: int) -> np.ndarray:
    return np.sin(0.37 * np.arange(np.prod(shape))).reshape(shape).astype(np.float32)


def written(path: Path, arrays: dict[str, np.ndarray], **attributes: object) -> Path:
    with h5py.File(path, "w") as file:
        for key, values in arrays.items():
            file[key] = values
        file.attrs.update(attributes)
    return path


def stacked_1d(**changes: np.ndarray | None) -> dict[str, np.ndarray]:
    arrays = {"tensor": wave(3, 5, 4), "x-coordinate": X, "t-coordinate": times(6)}
    arrays |= {key.replace("_", "-"): value for key, value in changes.items()}
    return {key: value for key, value in arrays.items() if value is not None}


def times(count: int) -> np.ndarray:
    return (0.1 * np.arange(count)).astype(np.float32)


def header(path: Path) -> Header:
    return READER.open(path).header


def test_last_of_too_many_times_is_dropped(tmp_path: Path) -> None:
    source = READER.open(written(tmp_path / "a.hdf5", stacked_1d()))
    np.testing.assert_array_equal(source.header.times, times(5))
    assert source.header.spec.time_step == pytest.approx(0.1, rel=1e-6)
    np.testing.assert_array_equal(source.read(2, 1, 4)[:, 0], wave(3, 5, 4)[2, 1:4])


@pytest.mark.parametrize(
    ("name", "attributes", "field", "parameters"),
    [
        ("1D_Advection_Sols_beta0.4.hdf5", {}, "concentration", {"beta": 0.4}),
        ("133021", {"beta": 0.7}, "concentration", {"beta": 0.7}),
        ("1D_Burgers_Sols_Nu0.001.hdf5", {"Nu": 0.01}, "velocity_x", {"nu": 0.01}),
        ("ReacDiff_Nu0.5_Rho1.0", {}, "reactant", {"nu": 0.5, "rho": 1.0}),
        ("164687", {"Nu": 2.0, "rho": 5.0}, "reactant", {"nu": 2.0, "rho": 5.0}),
        ("mystery", {}, "u", {}),
    ],
)
def test_scalar_families_are_told_by_name_or_attributes(
    tmp_path: Path, name: str, attributes: dict[str, float], field: str, parameters: dict
) -> None:
    found = header(written(tmp_path / name, stacked_1d(), **attributes))
    assert found.spec.names == (field,)
    assert {key: values.tolist() for key, values in found.parameters.items()} == {
        key: [value] * 3 for key, value in parameters.items()
    }
    boundary = "unknown" if name == "mystery" else "periodic"
    assert found.spec.grid.boundary == (boundary,)


def test_tensor_from_several_devices_is_read_in_order(tmp_path: Path) -> None:
    values = wave(2, 3, 5, 4)
    source = READER.open(written(tmp_path / "a", stacked_1d(tensor=values), beta=0.1))
    assert len(source.header.sample_names) == 6
    assert source.header.spec.grid.axes == ("x",)
    flat = values.reshape(6, 5, 4)
    for sample in range(6):
        np.testing.assert_array_equal(source.read(sample, 0, 5)[:, 0], flat[sample])


def test_nu_beside_tensor_makes_it_darcy_flow(tmp_path: Path) -> None:
    arrays = {"tensor": wave(3, 1, 4, 6), "nu": 1 + wave(3, 4, 6), "x-coordinate": X}
    source = READER.open(written(tmp_path / "a", arrays | {"y-coordinate": Y}, beta=0.1))
    assert source.header.spec.names == ("u",)
    assert [field.name for field in source.header.static_fields] == ["diffusion_coefficient"]
    assert source.header.times.tolist() == [0]
    np.testing.assert_array_equal(source.read(1, 0, 1)[0, 0], arrays["tensor"][1, 0])
    np.testing.assert_array_equal(source.read_static(1)[0], arrays["nu"][1])


@pytest.mark.parametrize(
    ("name", "boundary", "parameters"),
    [
        ("1D_CFD_Rand_Eta1.e-8_Zeta1.e-8_periodic_Train.hdf5", "periodic", (1e-8, 1e-8, None)),
        ("1D_CFD_Shock_Eta1.e-8_Zeta1.e-8_trans_Train.hdf5", "outflow", (1e-8, 1e-8, None)),
        ("2D_CFD_M0.1_Eta0.01_Zeta1e-08_periodic.h5", "periodic", (0.01, 1e-8, 0.1)),
        ("2D_CFD_Eta0.01_Zeta0.02_M1.0_x", "unknown", (0.01, 0.02, 1.0)),
    ],
)
def test_flow_parameters_fall_back_to_the_name(
    tmp_path: Path, name: str, boundary: str, parameters: tuple[float | None, ...]
) -> None:
    arrays = {"density": wave(2, 3, 4), "Vx": wave(2, 3, 4), "x-coordinate": X}
    found = header(written(tmp_path / name, arrays | {"t-coordinate": times(4)}))
    assert found.spec.grid.boundary == (boundary,)
    named = dict(zip(("eta", "zeta", "mach"), parameters, strict=True))
    known = {key: values[0] for key, values in found.parameters.items()}
    assert known == {key: value for key, value in named.items() if value is not None}
    density, velocity = found.spec.fields
    assert (density.reflection_sign("x"), velocity.reflection_sign("x")) == (1, -1)


def test_flow_in_three_axes_keeps_the_order_of_the_source(tmp_path: Path) -> None:
    fields = ("density", "velocity_x", "velocity_y", "velocity_z", "pressure")
    path = tiny_source(tmp_path / "a", shape=(4, 6, 8), samples=2, frames=3, fields=fields)
    source = READER.open(path)
    assert source.header.spec.grid.axes == ("x", "y", "z")
    assert source.read(0, 0, 3).shape == (3, 5, 4, 6, 8)
    with h5py.File(path) as file:
        for channel, key in enumerate(("density", "pressure", "Vx", "Vy", "Vz")):
            np.testing.assert_array_equal(source.read(1, 1, 3)[:, channel], file[key][1, 1:3])


def grouped(
    path: Path,
    *,
    names: tuple[str, ...] = ("0000", "0007", "0023"),
    channels: int = 2,
    config: str | None = "name: 2d_diff-react\nwork_dir: ${hydra:runtime.cwd}\nsim: {Du: 1e-3}",
    change: Callable[[h5py.File], None] = lambda file: None,
) -> Path:
    with h5py.File(path, "w") as file:
        for number, name in enumerate(names):
            file[f"{name}/data"] = number + wave(5, 6, 4, channels)
            file[f"{name}/grid/t"] = times(5)
            file[f"{name}/grid/x"] = X
            file[f"{name}/grid/y"] = Y
            if config is not None:
                file[name].attrs["config"] = config
        change(file)
    return path


def test_groups_with_gaps_are_read_by_name_with_y_first(tmp_path: Path) -> None:
    source = READER.open(grouped(tmp_path / "a.h5"))
    assert source.header.sample_names == ("0000", "0007", "0023")
    assert source.header.spec.names == ("activator", "inhibitor")
    assert source.header.spec.grid.axes == ("y", "x")
    assert source.header.spec.grid.boundary == ("no_flux", "no_flux")
    assert source.header.parameters["du"].tolist() == [1e-3] * 3
    expected = np.moveaxis(1 + wave(5, 6, 4, 2), -1, 1)[2:4]
    np.testing.assert_array_equal(source.read(1, 2, 4), expected)


def square_groups(path: Path, channels: int) -> Path:
    with h5py.File(path, "w") as file:
        file["0000/data"] = wave(5, 4, 4, channels)
        file["0000/grid/t"], file["0000/grid/x"], file["0000/grid/y"] = times(5), X, X
    return path


@pytest.mark.parametrize(
    ("channels", "axes", "names"),
    [(2, ("y", "x"), ("activator", "inhibitor")), (1, ("x", "y"), ("height",))],
)
def test_axes_of_a_square_grid_follow_from_the_family(
    tmp_path: Path, channels: int, axes: tuple[str, ...], names: tuple[str, ...]
) -> None:
    found = header(square_groups(tmp_path / "133017", channels))
    assert (found.spec.grid.axes, found.spec.names) == (axes, names)


def test_groups_in_one_axis_are_diffusion_sorption(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a", "w") as file:
        file["0000/data"] = wave(5, 4, 1)
        file["0000/grid/t"], file["0000/grid/x"] = times(5), X
    source = READER.open(tmp_path / "a")
    assert source.header.spec.names == ("concentration",)
    assert source.read(0, 0, 5).shape == (5, 1, 4)


RDB = "name: 2d_rdb\nsim: {gravity: 1.0, dam_radius: 0.4, inner_height: 2.0, xdim: 4, seed: 3}"


@pytest.mark.parametrize("place", ["0000/config", "config", "group"])
def test_config_is_found_wherever_versions_put_it(tmp_path: Path, place: str) -> None:
    def change(file: h5py.File) -> None:
        (file["0000"] if place == "group" else file).attrs[place.replace("group", "config")] = RDB

    names = ("0000", "0001")
    path = grouped(tmp_path / "a", names=names, channels=1, config=None, change=change)
    found = header(path).parameters
    assert found["gravity"][0] == 1
    # A config that is overwritten by each sample cannot tell what differs between them.
    assert ("dam_radius" in found) == (place != "config")
    if place != "config":
        np.testing.assert_array_equal(found["dam_radius"], [0.4, np.nan])
    assert not {"xdim", "seed"} & found.keys()


def test_config_that_is_no_yaml_is_ignored(tmp_path: Path) -> None:
    assert header(grouped(tmp_path / "a", config="{: [")).parameters == {}


BOMB = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 10)
)


@pytest.mark.parametrize(
    "config",
    [
        BOMB + "name: *a9\n",
        BOMB + "sim: *a9\n",
        BOMB + "sim: {k: *a9}\n",
        "sim: &a {b: *a}",
        "a: &a {k: 1}\nsim: {<<: *a}",
        "sim: " + "[" * 20_000,
        "sim: " + "{k: " * 9_000,
        f"sim: {{k: 1}}\nx: '{'x' * 2**16}'",
        "sim: {k: 2001-99-99}",
        f"sim: {{k: 1{'0' * 400}}}",
        f"sim: {{k: 1{'0' * 5000}}}",
        "? [[1, 2], {a: b}]\n: 1",
        "name: [a, b]",
        "name: !!python/object/apply:os.system ['true']",
        "\x01",
    ],
    ids=range(15),
)
def test_a_config_that_is_not_plain_is_ignored(tmp_path: Path, config: str) -> None:
    for kind in (grouped, incompressible):
        path = kind(tmp_path / f"{kind.__name__}.h5", config=config)
        assert "k" not in header(path).parameters


def incompressible(path: Path, **attributes: object) -> Path:
    arrays = {
        "velocity": wave(2, 5, 4, 6, 2),
        "particles": wave(2, 5, 4, 6, 1),
        "force": wave(2, 4, 6, 2),
        "t": np.tile(times(5), (2, 1)),
    }
    return written(path, arrays, **attributes)


def test_incompressible_flow_gets_cell_centers_of_the_unit_square(tmp_path: Path) -> None:
    source = READER.open(incompressible(tmp_path / "a.h5", config="NU: 0.01\nx: ${oc.env:A,b}"))
    found = source.header
    assert found.spec.names == ("velocity_x", "velocity_y", "tracer")
    assert [f.name for f in found.static_fields] == ["force_x", "force_y"]
    np.testing.assert_allclose(found.coordinates["x"], [0.125, 0.375, 0.625, 0.875])
    np.testing.assert_allclose(found.coordinates["y"], (np.arange(6) + 0.5) / 6)
    assert found.parameters["nu"].tolist() == [0.01, 0.01]
    velocity, particles = wave(2, 5, 4, 6, 2), wave(2, 5, 4, 6, 1)
    read = source.read(1, 1, 3)
    np.testing.assert_array_equal(read[:, 1], velocity[1, 1:3, ..., 1])
    np.testing.assert_array_equal(read[:, 2], particles[1, 1:3, ..., 0])
    np.testing.assert_array_equal(source.read_static(1)[0], wave(2, 4, 6, 2)[1, ..., 0])


def test_frames_after_latest_index_are_left_out(tmp_path: Path) -> None:
    found = header(incompressible(tmp_path / "a.h5", latestIndex=np.int64(2)))
    np.testing.assert_array_equal(found.times, times(3))


def test_float64_stays_float64(tmp_path: Path) -> None:
    values = wave(3, 5, 4).astype(np.float64) / 3
    source = READER.open(written(tmp_path / "a", stacked_1d(tensor=values)))
    assert source.read(0, 0, 5).dtype == np.float64
    np.testing.assert_array_equal(source.read(0, 0, 5)[:, 0], values[0])


def ragged(file: h5py.File) -> None:
    del file["0007/data"]
    file["0007/data"] = wave(5, 6, 5, 2)


def shifted(file: h5py.File) -> None:
    file["0023/grid/x"][...] = X + 1


def without_x(file: h5py.File) -> None:
    del file["0000/grid/x"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (ragged, ("/0000/data", "/0007/data", "(5, 6, 5, 2)")),
        (shifted, ("0000", "0023", "different coordinates")),
        (without_x, ("0000", "grid/x")),
    ],
)
def test_unfit_groups_are_refused(
    tmp_path: Path, change: Callable[[h5py.File], None], words: tuple[str, ...]
) -> None:
    refused(grouped(tmp_path / "a.h5", change=change), *words)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"x_coordinate": None}, ("x-coordinate", "none")),
        ({"t_coordinate": None}, ("t-coordinate", "5 or 6")),
        ({"t_coordinate": times(9)}, ("t-coordinate", "(9,)", "5")),
        ({"x_coordinate": X[:3]}, ("x-coordinate", "(3,)", "4")),
        ({"x_coordinate": X[::-1].copy()}, ("x-coordinate", "does not increase")),
        ({"x_coordinate": X**2}, ("x-coordinate", "unevenly spaced")),
        ({"tensor": wave(3, 5)}, ("tensor", "(3, 5)")),
        ({"tensor": wave(0, 5, 4)}, ("tensor", "(0, 5, 4)")),
        ({"tensor": np.ones((3, 5, 4), np.int32)}, ("tensor", "int32")),
    ],
)
def test_unfit_arrays_are_refused(
    tmp_path: Path, changes: dict[str, np.ndarray | None], words: tuple[str, ...]
) -> None:
    refused(written(tmp_path / "a.h5", stacked_1d(**changes)), *words)


def test_unknown_layout_lists_what_was_found_and_what_is_known(tmp_path: Path) -> None:
    path = written(tmp_path / "a.h5", {"weights": X, "bias": Y})
    refused(path, "bias, weights", "tensor", "0000/data", "velocity", "nu")
    refused(written(tmp_path / "b.h5", {}), "empty")


def test_truncated_file_is_refused(tmp_path: Path) -> None:
    path = tiny_source(tmp_path / "a.h5")
    path.write_bytes(path.read_bytes()[:-1000])
    refused(path, "truncated")


def refused(path: Path, *words: str) -> Source | None:
    with pytest.raises(DataError) as caught:
        READER.open(path)
    for word in (str(path), *words):
        assert word in str(caught.value)
    return None


def test_files_are_found_by_signature_in_all_folders(tmp_path: Path) -> None:
    deep = tiny_source(tmp_path / "b" / "c" / "133021")
    with_block = tmp_path / "user_block.bin"
    with h5py.File(with_block, "w", userblock_size=1024) as file:
        file["tensor"] = X
    (tmp_path / "notes.txt").write_text("no data")
    tiny_source(tmp_path / "out" / "x.h5")
    tiny_source(tmp_path / "old.zarr" / "x.h5")
    (tmp_path / "b" / "loop").symlink_to(tmp_path)
    found = READER.find(tmp_path, exclude=[tmp_path / "out"])
    assert found == [deep, with_block]
    assert READER.find(deep) == [deep]


def test_folder_without_hdf5_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no data")
    with pytest.raises(DataError, match="no HDF5"):
        READER.find(tmp_path)
    with pytest.raises(DataError, match="does not exist"):
        READER.find(tmp_path / "nowhere")


def test_empty_file_named_hdf5_is_refused(tmp_path: Path) -> None:
    tiny_source(tmp_path / "good.h5")
    (tmp_path / "empty.hdf5").touch()
    with pytest.raises(DataError, match=r"empty\.hdf5 .*0 bytes"):
        READER.find(tmp_path)


def test_suffix_is_taken_from_names_but_other_dots_stay() -> None:
    assert READER.stem("1D_Burgers_Sols_Nu0.01.hdf5") == "1D_Burgers_Sols_Nu0.01"
    assert READER.stem("ReacDiff_Nu0.5_Rho1.0") == "ReacDiff_Nu0.5_Rho1.0"
    assert READER.stem("133021") == "133021"


def test_fields_of_one_name_are_one_quantity(tmp_path: Path) -> None:
    burgers = header(written(tmp_path / "1D_Burgers", stacked_1d())).spec.fields[0]
    assert burgers == Field(name="velocity_x", component=("x",))
    flow = header(tiny_source(tmp_path / "flow")).spec.fields[1]
    assert flow == burgers
