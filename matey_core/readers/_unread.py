"""Arrays of an HDF5 file that a layout has no place for."""

from collections.abc import Collection, Mapping

import h5py


def unread(
    arrays: Mapping[str, h5py.Dataset], used: Collection[str], folder: str = ""
) -> tuple[str, ...]:
    """Name the arrays that are not read, as one note; none if all are.

    Args:
        arrays: those of a group.
        used: names of those that are read.
        folder: of the group, for the text.
    """
    left = [name for name in arrays if name not in used]
    if not left:
        return ()
    shown = ", ".join(f"{folder}{name}" for name in left)
    return (f"left out: {shown}, which the layout has no place for",)
