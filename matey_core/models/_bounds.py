"""A model is built from a file only as large as the weights beside it."""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch.overrides import TorchFunctionMode

from matey_core.errors import CheckpointError

FACTORIES: frozenset[Any] = frozenset(
    {torch.empty, torch.zeros, torch.ones, torch.full, torch.rand, torch.randn, torch.linspace}
    | {torch.arange}
)
COUNTS = {"depth": 2**20, "levels": 64}
"""Settings that number parts of a model, each of which has weights -> most that can be."""
SLACK = 2**20
"""Values that a model may have beside its weights, such as tables of positions."""
CALLS = 200
"""Of torch for each tensor of weights, at most: making, filling, wrapping."""


class Bound(TorchFunctionMode):
    """Stops what makes more values, or more tensors, than files of weights have."""

    def __init__(self, source: Path, weights: list[Path]) -> None:
        """Count what the files have, without reading it.

        Args:
            source: the description, for the error text.
            weights: files of safetensors.

        Raises:
            OSError, SafetensorError: one cannot be read.
        """
        super().__init__()
        shapes = [shape for path in weights for shape in _shapes(path)]
        self.source = source
        self.tensors = len(shapes)
        self.values = sum(map(math.prod, shapes))
        self._values = self._calls = 0

    def check(self, settings: Any) -> None:
        """Refuse settings that number more parts than there are tensors, or sizes above all values.

        Raises:
            CheckpointError: they do.
        """
        for key, value in _items(settings):
            most = max(self.values, SLACK)
            if key in COUNTS:
                most = min(COUNTS[key], self.tensors)
            if isinstance(value, int) and value > most:
                raise self._too_much(f"{key} = {value}")

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Count a call of torch, and what it asks for."""
        kwargs = kwargs or {}
        self._calls += 1
        if func in FACTORIES:
            self._values += _requested(kwargs.get("size", args))
        if self._values > 2 * self.values + SLACK:
            raise self._too_much(f"{self._values:.3g} values")
        if self._calls > CALLS * (self.tensors + 100):
            raise self._too_much(f"more than {self._calls // CALLS:,} tensors")
        return func(*args, **kwargs)

    def _too_much(self, found: str) -> CheckpointError:
        return CheckpointError(
            f"{self.source} describes a model with {found}; the weights beside it have "
            f"{self.values:,} values in {self.tensors:,} tensors.",
            remedy="The directory is damaged or was edited; write it again from its run.",
        )


def _shapes(path: Path) -> Iterator[list[int]]:
    with safe_open(path, framework="pt") as file:
        for name in file.keys():  # noqa: SIM118 (it is no mapping)
            yield file.get_slice(name).get_shape()


def _requested(size: Any) -> int:
    """Values of a shape, as `torch.empty` and its like take it."""
    while isinstance(size, tuple | list) and len(size) == 1 and isinstance(size[0], tuple | list):
        size = size[0]
    found = size if isinstance(size, tuple | list) else (size,)
    return math.prod(max(n, 1) for part in found for n in _whole(part))


def _whole(part: Any) -> Iterator[int]:
    for number in part if isinstance(part, tuple | list) else (part,):
        if type(number) is int:
            yield number


def _items(values: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """All values of settings, with the key that they or their list have."""
    if isinstance(values, Mapping):
        for name, value in values.items():
            yield from _items(value, name)
    elif isinstance(values, list):
        for value in values:
            yield from _items(value, key)
    else:
        yield key, values
