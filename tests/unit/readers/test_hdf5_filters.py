"""Compressions that HDF5 does not bring: named with the extra, and read where it is installed."""

import importlib.util
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from matey_core.containers import filters
from matey_core.errors import ConfigError
from matey_core.readers import READERS, ReaderOptions
from tests.support import tiny_source
from tests.support_well import wave, well_file

BLOSC, ZSTD, LZ4 = 32001, 32015, 32004
HAS_PLUGINS = importlib.util.find_spec(filters.PLUGINS) is not None


@pytest.fixture
def no_plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if no package had ever brought a filter."""
    builtin = h5py.h5z.filter_avail
    monkeypatch.setattr(h5py.h5z, "filter_avail", lambda n: n < 256 and builtin(n))
    monkeypatch.setattr(filters, "load_filters", lambda: None)


def plain(path: Path) -> str:
    with h5py.File(path, "w") as file:
        file["u"] = wave(3, 4, 5)
    return "u"


def netcdf(path: Path) -> str:
    with h5py.File(path, "w") as file:
        file["u"] = wave(3, 4, 5)
        for axis, name in enumerate(("sample", "time", "x")):
            file[name] = np.arange(float((3, 4, 5)[axis]))
            file[name].make_scale(name)
            file["u"].dims[axis].attach_scale(file[name])
    return "u"


def pdebench(path: Path) -> str:
    tiny_source(path, fields=("density",))
    return "density"


def well(path: Path) -> str:
    well_file(path)
    with h5py.File(path) as file:
        return f"t0_fields/{next(iter(file['t0_fields']))}"


def compress(path: Path, name: str, number: int) -> None:
    """Store an array again by a filter; the bytes of its chunk are not looked at."""
    with h5py.File(path, "a") as file:
        old = file[name]
        values, known = old[...], dict(old.attrs)
        scales = [[scale.name for scale in dim.values()] for dim in old.dims]
        del file[name]
        space = h5py.h5s.create_simple(values.shape)
        settings = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        settings.set_chunk(values.shape)
        settings.set_filter(number, h5py.h5z.FLAG_OPTIONAL)
        kind = h5py.h5t.py_create(values.dtype)
        h5py.h5d.create(file.id, name.encode(), kind, space, settings)
        file[name].id.write_direct_chunk((0,) * values.ndim, values.tobytes())
        for axis, names in enumerate(scales):
            for scale in names:
                file[name].dims[axis].attach_scale(file[scale])
        file[name].attrs.update({k: v for k, v in known.items() if k != "DIMENSION_LIST"})


MAKERS: dict[str, Callable[[Path], str]] = {
    "hdf5": plain,
    "netcdf": netcdf,
    "pdebench": pdebench,
    "the_well": well,
}


@pytest.mark.parametrize(("number", "known"), [(BLOSC, "Blosc"), (ZSTD, "Zstandard"), (LZ4, "LZ4")])
@pytest.mark.parametrize("reader", MAKERS)
@pytest.mark.usefixtures("no_plugins")
def test_a_filter_is_named(reader: str, number: int, known: str, tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    compress(path, MAKERS[reader](path), number)
    said = ReaderOptions(dims=("sample", "time", "x")) if reader == "hdf5" else ReaderOptions()
    with pytest.raises(ConfigError, match=rf"compressed by {known} \(HDF5 filter {number}\)") as e:
        READERS[reader](said).open(path)
    assert "pip install 'matey-fm[hdf5]'" in e.value.remedy


@pytest.mark.skipif(not HAS_PLUGINS, reason="needs hdf5plugin")
def test_filters_of_the_package_are_read(tmp_path: Path) -> None:
    import hdf5plugin

    kinds = (hdf5plugin.Blosc(), hdf5plugin.Zstd(), hdf5plugin.LZ4(), hdf5plugin.Blosc2())
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for number, kind in enumerate(kinds):
            file.create_dataset(f"u{number}", data=wave(3, 4, 5), chunks=(1, 4, 5), **kind)
    source = READERS["hdf5"](ReaderOptions(dims=("sample", "time", "x"))).open(tmp_path / "a.h5")
    np.testing.assert_array_equal(source.read(2, 1, 3), np.stack([wave(3, 4, 5)[2, 1:3]] * 4, 1))
