"""Quirks of storage and content that published PDEBench files have: kept, and said."""

import tracemalloc
from pathlib import Path

import h5py
import numpy as np
import pytest

from matey_core.readers import READERS, Header, Source

READER = READERS["pdebench"]()


def wave(*shape: int) -> np.ndarray:
    return np.sin(0.37 * np.arange(np.prod(shape))).reshape(shape).astype(np.float32)


def centers(points: int, *, start: float = 0, length: float = 1) -> np.ndarray:
    """Cell centers as PDEBench computes them, in float32."""
    step = np.float32(length / points)
    return np.float32(start) + (np.arange(points, dtype=np.float32) + np.float32(0.5)) * step


def stacked(path: Path, **arrays: np.ndarray) -> Source:
    with h5py.File(path, "w") as file:
        file["x-coordinate"], file["t-coordinate"] = centers(8), 0.05 * np.arange(5)
        for name, values in arrays.items():
            name = name.replace("_", "-")
            if name in file:
                del file[name]
            file[name] = values
    return READER.open(path)


def real(folder: Path, pattern: str) -> Source:
    path, *_ = sorted(folder.rglob(pattern))
    return READER.open(path)


def test_compressed_chunks_are_read_as_they_lie(tmp_path: Path) -> None:
    values, force = wave(2, 5, 8, 6, 2), wave(2, 8, 6, 2)
    with h5py.File(tmp_path / "ns_incom.h5", "w") as file:
        lzf = {"compression": "lzf", "shuffle": True}
        file.create_dataset("velocity", data=values, chunks=(1, 1, 8, 6, 2), **lzf)
        file.create_dataset("force", data=force, chunks=(1, 1, 6, 2), **lzf)
        file["t"] = np.tile(np.arange(5.0), (2, 1))
    source = READER.open(tmp_path / "ns_incom.h5")
    np.testing.assert_array_equal(source.read(1, 1, 4)[:, 1], values[1, 1:4, ..., 1])
    np.testing.assert_array_equal(source.read_static(1)[0], force[1, ..., 0])

    with h5py.File(tmp_path / "diff-react.h5", "w") as file:
        file.create_dataset("0000/data", data=values[0], chunks=(3, 4, 5, 1), compression="lzf")
        file["0000/grid/y"], file["0000/grid/x"] = centers(8), centers(6)
        file["0000/grid/t"] = np.arange(5.0)
    source = READER.open(tmp_path / "diff-react.h5")
    np.testing.assert_array_equal(source.read(0, 2, 5)[:, 1], values[0, 2:5, ..., 1])


def test_a_file_larger_than_memory_is_read_by_slices(tmp_path: Path) -> None:
    path = tmp_path / "2D_CFD_Rand_M0.1_Eta0.01_Zeta0.01_periodic_128_Train.hdf5"
    shape = (10_000, 21, 128, 128)
    with h5py.File(path, "w") as file:
        layout = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        layout.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)  # 13.8 GB, with holes where nothing is
        layout.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
        space = h5py.h5s.create_simple(shape)
        h5py.h5d.create(file.id, b"density", h5py.h5t.IEEE_F32LE, space, layout)
        file["density"][9_999, 20] = wave(128, 128)
        file["x-coordinate"], file["y-coordinate"] = centers(128), centers(128)
        file["t-coordinate"] = 0.05 * np.arange(22)
    tracemalloc.start()
    source = READER.open(path)
    values = source.read(9_999, 19, 21)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    np.testing.assert_array_equal(values[1, 0], wave(128, 128))
    assert not values[0].any()
    assert peak < 8e6


def test_duplicated_samples_are_all_there(tmp_path: Path) -> None:
    # Seeds 0 and 3 give one start; the split keeps copies together, the reader hides none.
    values = wave(4, 4, 8)
    values[3] = values[0]
    source = stacked(tmp_path / "a", tensor=values)
    assert len(source.header.sample_names) == 4
    np.testing.assert_array_equal(source.read(3, 0, 4), source.read(0, 0, 4))


def test_positions_are_those_of_the_file(tmp_path: Path) -> None:
    # Burgers was on (-1, 1) once and is on (0, 1) now, under one name.
    path = tmp_path / "1D_Burgers_Sols_Nu0.01.hdf5"
    old = centers(8, start=-1, length=2)
    header = stacked(path, tensor=wave(2, 4, 8), x_coordinate=old).header
    np.testing.assert_array_equal(header.coordinates["x"], old)
    assert header.spec.grid.spacing == pytest.approx((0.25,))


def test_missing_values_and_zeros_are_kept(tmp_path: Path) -> None:
    values = wave(2, 4, 8)
    values[1, 2, 3], values[1, 3] = np.nan, 0
    np.testing.assert_array_equal(
        stacked(tmp_path / "a", tensor=values).read(1, 0, 4)[:, 0], values[1]
    )


def test_positions_that_are_uniform_up_to_rounding_are_uniform(tmp_path: Path) -> None:
    x = centers(1000)
    assert len(np.unique(np.diff(x))) > 1
    source = stacked(tmp_path / "a", tensor=wave(1, 4, 1000), x_coordinate=x)
    assert source.header.spec.grid.spacing == pytest.approx((1e-3,), rel=1e-5)


def test_reaction_diffusion_in_one_dimension_stalls_as_it_does_in_the_files(
    genuine: Path,
) -> None:
    source = real(genuine, "ReacDiff_*")
    last = len(source.header.times) - 1
    reached = [source.read(sample, last, last + 1).mean() for sample in range(8)]
    # Rounding stops the growth from about 0.5, which should reach 0.73 at rate 1 and time 1.
    assert np.median(reached) == pytest.approx(0.5625, abs=1e-4)
    assert max(reached) < 0.6
    assert (source.header.conserved, source.header.directed) == ((), ())


def test_the_mean_of_burgers_drifts_so_it_is_not_called_conserved(genuine: Path) -> None:
    source = real(genuine, "1D_Burgers*")
    means = source.read(0, 0, 201).astype(np.float64).mean((1, 2))
    assert 1e-6 < np.abs(means - means[0]).max() < 5e-4
    assert source.header.conserved == ()
    # The name's Nu, although the equation has Nu/π.
    assert source.header.parameters["nu"].tolist() == [0.01] * 5


def test_turbulence_starts_from_a_uniform_density(genuine: Path) -> None:
    source = real(genuine, "2D_CFD_Turb*")
    start = dict(zip(source.header.spec.names, source.read(0, 0, 1)[0], strict=True))
    assert start["density"].std() == start["pressure"].std() == 0
    assert start["velocity_x"].std() > 0
    pressure = source.read(0, 0, 21)[:, 1]
    assert (np.abs(pressure - 1e-4) < 1e-6).sum() > 10  # cells that were negative


def test_incompressible_flow_starts_from_noise(genuine: Path) -> None:
    source = real(genuine, "ns_incom*")
    velocity = source.read(0, 0, 2)[:, :2].astype(np.float64)

    def divergence_to_curl(u: np.ndarray, v: np.ndarray) -> float:
        (u_x, u_y), (v_x, v_y) = np.gradient(u), np.gradient(v)
        return float(np.sqrt(((u_x + v_y) ** 2).mean() / ((v_x - u_y) ** 2).mean()))

    assert divergence_to_curl(*velocity[0]) > 0.8
    assert divergence_to_curl(*velocity[1]) < 0.05


@pytest.mark.parametrize(
    ("pattern", "boundary", "conserved", "directed"),
    [
        ("1D_Advection*", "periodic", ("concentration",), ("x",)),
        ("1D_Burgers*", "periodic", (), ()),
        ("ReacDiff*", "periodic", (), ()),
        ("1D_CFD*", "periodic", ("density",), ()),
        ("2D_CFD_Rand*", "periodic", ("density",), ()),
        ("3D_CFD*", "periodic", ("density",), ()),
        ("2D_rdb*", "outflow", ("height",), ()),
        ("2D_diff-react*", "no_flux", (), ()),
        ("ns_incom*", "no_slip", (), ()),
        ("2D_Darcy*", "dirichlet", (), ()),
    ],
)
def test_families_say_what_is_stored_nowhere(
    pdebench: Path,
    pattern: str,
    boundary: str,
    conserved: tuple[str, ...],
    directed: tuple[str, ...],
) -> None:
    source = real(pdebench, pattern)
    header: Header = source.header
    assert set(header.spec.grid.boundary) == {boundary}
    assert header.directed == directed
    assert set(header.conserved) >= set(conserved)  # simulated files may say more
    for name in header.conserved:
        channel = header.spec.names.index(name)
        values = source.read(0, 0, len(header.times))[:, channel].astype(np.float64)
        means = values.reshape(len(values), -1).mean(1)
        assert np.abs(means - means[0]).max() < 1e-7 * np.abs(values).max()


def test_diffusion_sorption_has_a_direction(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "1D_diff-sorp_NA_NA.h5", "w") as file:
        file["0000/data"], file["0000/grid/x"] = wave(5, 8, 1), centers(8)
        file["0000/grid/t"] = np.arange(5.0)
    header = READER.open(tmp_path / "1D_diff-sorp_NA_NA.h5").header
    assert (header.conserved, header.directed) == ((), ("x",))


def test_shallow_water_is_not_the_same_after_a_turn(genuine: Path) -> None:
    # Its solver splits dimensions: x and y of a round dam differ by up to 2.5e-2.
    source = real(genuine, "2D_rdb*")
    height = source.read(0, 0, 101)[:, 0]
    assert source.header.spec.grid.axes == ("x", "y")
    assert 1e-3 < np.abs(height - height.swapaxes(1, 2)).max() < 5e-2
    for axis in (1, 2):
        assert np.abs(height - np.flip(height, axis)).max() < 1e-4


def test_darcy_flow_is_one_time_and_the_field_it_comes_from(genuine: Path) -> None:
    source = real(genuine, "2D_Darcy*")
    header = source.header
    assert (header.spec.names, header.times.tolist()) == (("u",), [0])
    assert [field.name for field in header.static_fields] == ["diffusion_coefficient"]
    assert header.parameters["beta"].tolist() == [1.0] * 10
    assert source.read(9, 0, 1).shape == source.read_static(9)[None].shape == (1, 1, 128, 128)
