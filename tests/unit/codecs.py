"""A codec that runs a program when a chunk is read, as `pickle` does, and says so."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numcodecs
from numcodecs.abc import Codec


class Program(Codec):  # type: ignore[misc]
    """Counts how often it was run."""

    codec_id = "program"
    runs = 0

    def encode(self, buf: Any) -> Any:
        return buf

    def decode(self, buf: Any, out: Any = None) -> Any:
        type(self).runs += 1
        return numcodecs.compat.ndarray_copy(buf, out)


@contextmanager
def a_program_among_the_codecs() -> Iterator[type[Program]]:
    """Let Zarr find the codec, as it finds those of all installed packages."""
    numcodecs.register_codec(Program)
    Program.runs = 0
    try:
        yield Program
    finally:
        del numcodecs.registry.codec_registry[Program.codec_id]
