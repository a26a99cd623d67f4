"""The Zarr store: one group a source file, written once, read by everything after."""

from matey_core.store.group import StoreGroup
from matey_core.store.layout import SPLITS, SUFFIX
from matey_core.store.opening import find_stores, is_foreign, open_store
from matey_core.store.reader import Store
from matey_core.store.split import Split
from matey_core.store.writer import write_store

__all__ = [
    "SPLITS",
    "SUFFIX",
    "Split",
    "Store",
    "StoreGroup",
    "find_stores",
    "is_foreign",
    "open_store",
    "write_store",
]
