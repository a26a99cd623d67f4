"""Compressions that HDF5 itself does not bring, such as Blosc, Zstandard and LZ4."""

import importlib
import importlib.util
from functools import cache
from pathlib import Path

import h5py

from matey_core.errors import ConfigError, install_extra

PLUGINS = "hdf5plugin"
"""The package that brings them."""
NAMES = {
    4: "SZIP",
    307: "bzip2",
    32001: "Blosc",
    32004: "LZ4",
    32008: "Bitshuffle",
    32013: "ZFP",
    32015: "Zstandard",
    32017: "SZ",
    32026: "Blosc2",
    32028: "Sperr",
}
"""Numbers of filters as The HDF Group registers them."""


@cache
def load_filters() -> None:
    """Make the package's filters known to HDF5, if it is installed."""
    if importlib.util.find_spec(PLUGINS):
        importlib.import_module(PLUGINS)


def check_filters(path: Path, array: h5py.Dataset) -> None:
    """Refuse an array that is compressed in a way that HDF5 does not know here.

    Raises:
        ConfigError: it is.
    """
    settings = array.id.get_create_plist()
    for index in range(settings.get_nfilters()):
        number, _, _, name = settings.get_filter(index)
        if h5py.h5z.filter_avail(number):
            continue
        load_filters()
        if not h5py.h5z.filter_avail(number):
            known = NAMES.get(number) or name.decode("utf-8", "replace").strip("\0") or "a filter"
            raise ConfigError(
                f"{path}: {array.name} is compressed by {known} (HDF5 filter {number}), which HDF5 "
                f"does not know here; the package {PLUGINS} brings it.",
                remedy=f"{install_extra('hdf5')}, or write the file again: h5repack -f GZIP=1.",
            )
