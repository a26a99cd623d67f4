"""Chunks as we write them, read by Zarr's own machinery."""

from pathlib import Path

import numpy as np
import pytest
import torch
import zarr

from matey_core.conversion import encoding as module
from matey_core.conversion.encoding import COMPRESSIONS, ChunkWriter, Encoding
from matey_core.errors import ConfigError


def written(folder: Path, encoding: Encoding, values: np.ndarray, *, portion: int) -> np.ndarray:
    """Write (sample, time, *space) values and read them with Zarr."""
    group = zarr.open_group(folder, mode="w", zarr_format=3)
    group.create_array("u", shape=values.shape, **encoding.array_settings(has_time=True))
    for sample, trajectory in enumerate(values):
        for block in range(encoding.num_blocks):
            chunk = ChunkWriter(encoding)
            path = folder.joinpath("u", "c", str(sample), str(block), *"0" * len(encoding.space))
            path.parent.mkdir(parents=True, exist_ok=True)
            part = trajectory[block * encoding.block : (block + 1) * encoding.block]
            with path.open("wb") as file:
                for start in range(0, len(part), portion):
                    for piece in chunk.add(encoding.convert(part[start : start + portion])):
                        file.write(piece)
                for piece in chunk.finish():
                    file.write(piece)
    return np.asarray(zarr.open_group(folder, mode="r")["u"][:])


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("precision", ["source", "float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("portion", [1, 3, 100])
def test_zarr_reads_what_we_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compression: str, precision: str, portion: int
) -> None:
    monkeypatch.setattr(module, "MAX_BLOCK_BYTES", 5 * 6 * 7 * 4)
    monkeypatch.setattr(module, "PIECE_BYTES", 2 * 6 * 7 * 4)
    values = np.random.default_rng(0).normal(size=(2, 13, 6, 7)).astype("f4")
    encoding = Encoding.choose(
        values.dtype, (6, 7), 13, precision=precision, compression=compression
    )
    assert encoding.block % encoding.piece == 0
    found = encoding.numbers(written(tmp_path, encoding, values, portion=portion))
    if precision == "bfloat16":
        expected = torch.from_numpy(values).bfloat16().float().numpy()
    else:
        expected = values.astype("f4" if precision == "source" else precision)
    np.testing.assert_array_equal(found, expected)


def test_bfloat16_rounds_as_torch_does() -> None:
    encoding = Encoding.choose(np.dtype("f4"), (4096,), 1, precision="bfloat16")
    bits = np.random.default_rng(0).integers(0, 2**32, 4096, dtype=np.uint32)
    values = bits.view("f4")
    found = encoding.numbers(encoding.convert(values))
    expected = torch.from_numpy(values.copy()).bfloat16().float().numpy()
    np.testing.assert_array_equal(found, expected)


def test_a_chunk_is_chosen_or_asked_for() -> None:
    frame = (128, 128)
    plain = Encoding.choose(np.dtype("f4"), frame, 1000)
    assert (plain.block, plain.piece) == (128, 128)
    packed = Encoding.choose(np.dtype("f4"), frame, 1000, compression="lz4")
    assert (packed.block, packed.piece) == (128, 2)
    asked = Encoding.choose(np.dtype("f4"), frame, 1000, compression="lz4", chunk=10)
    assert (asked.block, asked.piece) == (120, 10)
    assert Encoding.choose(np.dtype("f4"), frame, 7, chunk=10).block == 7
    with pytest.raises(ConfigError, match="at least 1"):
        Encoding.choose(np.dtype("f4"), frame, 7, chunk=0)
