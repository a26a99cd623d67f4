"""Stores in every layout of chunks that the format allows, written by Zarr itself."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from zarr.codecs import BloscCodec

from tests.support import advected, tiny_store

SHAPE = (6, 4)
SAMPLES, FRAMES, FIELDS = 3, 11, 2
NAMES = ("density", "velocity_x")
VALUES = advected(SHAPE, samples=SAMPLES, frames=FRAMES, fields=FIELDS)
LZ4 = BloscCodec(cname="lz4", shuffle="shuffle", typesize=4)


def store_with(
    folder: Path, *, dtype: str = "<f4", is_bfloat16: bool = False, **chunks: Any
) -> Path:
    """Make a store of `VALUES` whose fields are then written again, with other chunks.

    Args:
        folder: where to.
        dtype: of the arrays.
        is_bfloat16: whether to store the upper halves of float32.
        chunks: of `zarr.Group.create_array`.
    """
    path = tiny_store(folder, shape=SHAPE, samples=SAMPLES, frames=FRAMES, fields=NAMES)
    group = zarr.open_group(path, mode="r+", use_consolidated=False)
    for channel, name in enumerate(NAMES):
        values = VALUES[:, :, channel]
        stored = (values.view("<u4") >> 16).astype("<u2") if is_bfloat16 else values.astype(dtype)
        settings = {"chunks": (1, 5, *SHAPE), "compressors": None, **chunks}
        array = group.create_array(
            name,
            shape=stored.shape,
            dtype=stored.dtype,
            fill_value=0x7FC0 if is_bfloat16 else float("nan"),
            overwrite=True,
            attributes={"matey_dtype": "bfloat16"} if is_bfloat16 else {},
            **settings,
        )
        array[:] = stored
    described = json.loads((path / "zarr.json").read_text())
    described.pop("consolidated_metadata")
    (path / "zarr.json").write_text(json.dumps(described))
    return path


def expected(dtype: str = "<f4", *, is_bfloat16: bool = False) -> np.ndarray:
    """What a store of `store_with` reads as."""
    if is_bfloat16:
        return (VALUES.view("<u4") & np.uint32(0xFFFF0000)).view("<f4")
    return VALUES.astype(dtype).astype(np.float32)
