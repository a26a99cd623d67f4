"""Arrays made of others without reading them: several as one, and one as its components."""

import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from matey_core.containers.lazy import Lazy, Stored
from matey_core.errors import ConfigError

STAR = "*"
"""In a path: several arrays that are one along a new dim, the first of `--dims`."""


def matches(pattern: str, paths: Sequence[str]) -> dict[str, str]:
    """What stands for the star → path, numbers in their order."""
    if pattern.count(STAR) != 1:
        raise ConfigError(
            f"--fields has the path {pattern!r}, with {pattern.count(STAR)} stars.",
            remedy="Write one *, where the names of the samples or times differ.",
        )
    before, _, after = pattern.partition(STAR)
    expression = re.compile(f"{re.escape(before)}([^/]+){re.escape(after)}")
    found = {hit[1]: path for path in paths if (hit := expression.fullmatch(path))}
    return dict(sorted(found.items(), key=lambda item: _by_number(item[0])))


def _by_number(text: str) -> list[tuple[int, str]]:
    """Order by the numbers in a text, which may have too many digits for Python to read."""
    words = filter(None, re.split(r"(\d+)", text))
    return [(len(n := w.lstrip("0")), n) if w.isdecimal() else (-1, w) for w in words]


def stacked(arrays: Sequence[Stored]) -> Stored:
    """Several arrays of one shape as one with a new first dim."""
    first = arrays[0]
    dtype = np.result_type(*(array.dtype for array in arrays))

    def read(key: tuple[Any, ...]) -> np.ndarray:
        chosen, *inner = key
        if not isinstance(chosen, slice):
            return arrays[chosen].part(tuple(inner)).astype(dtype, copy=False)
        parts = [array.part(tuple(inner)) for array in arrays[chosen]]
        return np.stack(parts or [first.part(tuple(inner))], dtype=dtype)[: len(parts)]

    dims = None if first.dims is None else ("", *first.dims)
    return Stored(Lazy((len(arrays), *first.shape), dtype, read), dims, first.attributes)


class _Block:
    """The part that was read last, as its components are asked for one after another."""

    def __init__(self, array: Stored) -> None:
        self._array = array
        self._last: tuple[str, np.ndarray] | None = None

    def component(self, places: Mapping[int, int], key: tuple[Any, ...]) -> np.ndarray:
        """Read a part of one component; `places` are axes and the index along each."""
        others = iter(key)
        rank = len(self._array.shape)
        whole = tuple(slice(None) if axis in places else next(others) for axis in range(rank))
        if self._last is None or self._last[0] != repr(whole):
            self._last = repr(whole), self._array.part(whole)
        index = [
            places.get(axis, slice(None)) for axis in range(rank) if isinstance(whole[axis], slice)
        ]
        return self._last[1][tuple(index)]


def components(array: Stored, axes: Sequence[int]) -> list[Stored]:
    """Give an array for every component along some axes, the last of them fastest."""
    block = _Block(array)
    shape = tuple(size for axis, size in enumerate(array.shape) if axis not in axes)
    dims = array.dims and tuple(dim for axis, dim in enumerate(array.dims) if axis not in axes)
    chunks = array.chunks and tuple(n for axis, n in enumerate(array.chunks) if axis not in axes)
    return [
        Stored(
            Lazy(shape, array.dtype, partial(block.component, dict(zip(axes, index, strict=True)))),
            dims,
            array.attributes,
            chunks=chunks,
        )
        for index in np.ndindex(*(array.shape[axis] for axis in axes))
    ]
