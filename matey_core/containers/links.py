"""Where links in an HDF5 file lead, without following those that lead out of it."""

import h5py

MOST_LINKS = 16
"""Soft links on the way to one object; more are a loop."""


def inside(
    group: h5py.Group, path: str | bytes, *, links: int = MOST_LINKS
) -> h5py.HLObject | None:
    """Give an object that lies in the file of `group`; None where the way leads out, or nowhere.

    HDF5 itself opens whatever file an external link names, also behind a soft link, and even to
    tell whether a name is there. So links are asked for one by one.

    Args:
        group: where the path begins.
        path: of the object; bytes where it is no text.
        links: how many soft links may be followed.

    Raises:
        KeyError, RuntimeError, ValueError: the file is damaged.
    """
    text = path if isinstance(path, bytes) else path.encode("utf-8", "surrogateescape")
    names = text.split(b"/")
    item: h5py.HLObject | None = group if names[0] else group.file["/"]
    for name in names:
        if name in (b"", b"."):
            continue
        if not isinstance(item, h5py.Group):
            return None
        item = _member(item, name, links)
    return item


def _member(group: h5py.Group, name: bytes, links: int) -> h5py.HLObject | None:
    known = group.id.links
    if not known.exists(name):
        return None
    kind = known.get_info(name).type
    if kind == h5py.h5l.TYPE_HARD:
        return group[name]
    if kind == h5py.h5l.TYPE_SOFT and links:
        return inside(group, known.get_val(name), links=links - 1)
    return None
