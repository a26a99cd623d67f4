"""Whatever the order of dims: the same values. Whatever the bytes: a value or a clear error."""

import io
import tempfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from matey_core.errors import MateyError
from matey_core.readers import ReaderOptions
from matey_core.readers.array import ArrayReader
from matey_core.readers.netcdf import NetcdfReader

DIMS = ("sample", "time", "field", "z", "y", "x")
SIZES = st.fixed_dictionaries({name: st.integers(1, 4) for name in DIMS})


def values_of(sizes: dict[str, int], dims: list[str]) -> np.ndarray:
    """Values that tell where they belong, with dims in the order asked for."""
    shape = [sizes[name] for name in DIMS]
    values = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    return values.transpose([DIMS.index(name) for name in dims])


@given(
    sizes=SIZES,
    dims=st.permutations(DIMS),
    is_fortran=st.booleans(),
    kind=st.sampled_from(["npy", "npz", "compressed"]),
)
def test_any_order_of_dims_gives_the_same_values(
    sizes: dict[str, int], dims: list[str], is_fortran: bool, kind: str
) -> None:
    values = values_of(sizes, dims)
    values = np.asfortranarray(values) if is_fortran else np.ascontiguousarray(values)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"a.{'npy' if kind == 'npy' else 'npz'}")
        if kind == "npy":
            np.save(path, values)
        else:
            (np.savez if kind == "npz" else np.savez_compressed)(path, u=values)
        source = ArrayReader(ReaderOptions(dims=tuple(dims))).open(path)
        axes = source.header.spec.grid.axes
        assert list(axes) == [name for name in dims if name in "xyz"]
        order = [dims.index(name) for name in ("sample", "time", "field", *axes)]
        for sample, expected in enumerate(values.transpose(order)):
            np.testing.assert_array_equal(source.read(sample, 0, sizes["time"]), expected)


@given(
    sizes=SIZES.map(lambda sizes: {name: size + 1 for name, size in sizes.items()}),
    dims=st.permutations([name for name in DIMS if name != "field"]),
    engine=st.sampled_from(["scipy", "h5netcdf"]),
)
def test_any_order_of_netcdf_dims_gives_the_same_values(
    sizes: dict[str, int], dims: list[str], engine: str
) -> None:
    whole = values_of({**sizes, "field": 1}, list(DIMS))[:, :, 0]
    order = [("sample", "time", "z", "y", "x").index(name) for name in dims]
    data = xr.Dataset({"u": (dims, whole.transpose(order))})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.nc")
        data.to_netcdf(path, engine=engine)  # type: ignore[call-overload]
        source = NetcdfReader().open(path)
        axes = source.header.spec.grid.axes
        expected = data["u"].transpose("sample", "time", *axes).values
        for sample in range(sizes["sample"]):
            read = source.read(sample, 0, sizes["time"])
            np.testing.assert_array_equal(read[:, 0], expected[sample])


def contents() -> dict[str, bytes]:
    """A whole file of each format."""
    values = np.arange(60, dtype=np.float32).reshape(3, 4, 5)
    files: dict[str, bytes] = {}
    for name, save in {"a.npy": np.save, "a.npz": np.savez, "b.npz": np.savez_compressed}.items():
        stream = io.BytesIO()
        save(stream, values)
        files[name] = stream.getvalue()
    data = xr.Dataset({"u": (("time", "y", "x"), values)}, {"time": np.arange(3.0)})
    with tempfile.TemporaryDirectory() as folder:
        for name, engine in {"a.nc": "scipy", "b.nc": "h5netcdf"}.items():
            data.to_netcdf(Path(folder, name), engine=engine)  # type: ignore[call-overload]
            files[name] = Path(folder, name).read_bytes()
    return files


FILES = contents()


@given(
    name=st.sampled_from(sorted(FILES)),
    place=st.floats(0, 1, exclude_max=True),
    damage=st.binary(min_size=1, max_size=8),
    is_cut=st.booleans(),
)
def test_damage_is_survived(name: str, place: float, damage: bytes, is_cut: bool) -> None:
    content = FILES[name]
    # Most of a file is values; headers are where it hurts.
    at = int(place**3 * len(content))
    content = content[:at] + (b"" if is_cut else damage + content[at + len(damage) :])
    reader_of = NetcdfReader if name.endswith("nc") else ArrayReader
    reader = reader_of(ReaderOptions(dims=("time", "y", "x")))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(content)
        reader.recognizes(path)
        reader.recognizes(path.parent)
        with suppress(MateyError):
            for found in reader.find(path.parent):
                source = reader.open(found)
                source.read(0, 0, len(source.header.times))
