"""What the other process runs: it reads all metadata of each file that it is told of.

It imports nothing of matey, so that it starts quickly. A line of its input is the path of a file
as JSON. The answer is an empty line once the file is read through, with errors or without: the
parent meets the errors itself. No answer comes where the HDF5 library loops or crashes.
"""

import json
import signal
import sys
from collections.abc import Callable
from typing import Any, TextIO

import h5py

MOST_SECONDS = float(sys.argv[1]) if __name__ == "__main__" else 0.0
"""Of the processor, for one call of the library."""
MOST_VALUES = 2**16
"""Texts of a larger array are not read here."""
KINDS = {
    h5py.h5g.GroupID: h5py.Group,
    h5py.h5d.DatasetID: h5py.Dataset,
    h5py.h5t.TypeID: h5py.Datatype,
}
LAYOUTS = (h5py.h5d.CHUNKED, h5py.h5d.CONTIGUOUS, h5py.h5d.COMPACT)
"""Values that lie in the file itself."""


def main(asked: TextIO, answered: TextIO) -> None:
    """Answer until the input ends, which is when the parent does."""
    signal.signal(signal.SIGPROF, signal.SIG_DFL)  # the end of the time ends this process
    for line in asked:
        attempt(read_through, json.loads(line))
        signal.setitimer(signal.ITIMER_PROF, 0)
        answered.write("\n")
        answered.flush()


def attempt(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function with a deadline; None where it fails."""
    signal.setitimer(signal.ITIMER_PROF, MOST_SECONDS)
    try:
        return function(*arguments)
    except Exception:  # of any kind, from h5py on damaged files; the parent meets them itself
        return None


def read_through(path: str) -> None:
    """Read the metadata of all objects of a file, each once."""
    with h5py.File(path, "r") as file:
        seen, waiting = set(), [file["/"].id]
        while waiting:
            kept = waiting.pop()
            address = attempt(lambda kept=kept: h5py.h5o.get_info(kept).addr)
            if address is None or address in seen:
                continue
            seen.add(address)
            kind = next(kind for known, kind in KINDS.items() if isinstance(kept, known))
            item = kind(kept)
            for name in attempt(list, item.attrs) or ():
                attempt(item.attrs.__getitem__, name)
            if isinstance(item, h5py.Dataset):
                attempt(read_dataset, item)
            elif isinstance(item, h5py.Group):
                waiting += members(kept)


def read_dataset(array: h5py.Dataset) -> None:
    """Look up where the values of an array lie, and read them if they lie in heaps."""
    plist = array.id.get_create_plist()
    plist.get_nfilters()
    if array.shape is None or plist.get_layout() not in LAYOUTS or plist.get_external_count():
        return
    attempt(array.id.get_storage_size)
    if array.dtype.hasobject and array.size <= MOST_VALUES:
        attempt(array.__getitem__, ())


def members(group: h5py.h5g.GroupID) -> list[Any]:
    """Open what lies in a group itself; links, which may lead anywhere, are left alone."""
    names: list[bytes] = []
    attempt(group.links.iterate, names.append)
    found = (attempt(member, group, name) for name in names)
    return [item for item in found if item is not None]


def member(group: h5py.h5g.GroupID, name: bytes) -> Any:
    """Open an object by a hard link; None for other links."""
    is_hard = group.links.get_info(name).type == h5py.h5l.TYPE_HARD
    return h5py.h5o.open(group, name) if is_hard else None


if __name__ == "__main__":
    main(sys.stdin, sys.stdout)
