"""A device that is none: its tensors hold the CPU's numbers, and every wait for it is seen.

PyTorch takes part: the device is registered with it as one that is written in Python. A tensor
on it is a wrapper that says `pretended` and holds a CPU tensor. A `Watch` runs every operation on
what is held, refuses to mix devices as a GPU does, and writes down each time that the host would
wait for a GPU: to read a value, to learn a shape, or to copy from memory that is not page-locked.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import cache
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.backend_registration import (
    _DummyBackendModule,
    _setup_privateuseone_for_python_backend,
)

NAME = "pretended"
aten = torch.ops.aten
WAITS = {
    aten._local_scalar_dense.default: "reads a value",
    aten.is_nonzero.default: "reads a value",
    aten.equal.default: "reads a value",
    aten.nonzero.default: "learns a shape",
    aten.masked_select.default: "learns a shape",
    aten.bincount.default: "learns a shape",
    aten._unique2.default: "learns a shape",
    aten.unique_dim.default: "learns a shape",
    aten.unique_consecutive.default: "learns a shape",
    aten._linalg_check_errors.default: "reads a value",
}
INDEXING = {aten.index.Tensor, aten.index_put.default, aten._index_put_impl_.default}


class MixedDevicesError(RuntimeError):
    """An operation was given tensors of two devices."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """One time that the host would wait for the device."""

    what: str
    where: str
    """File and line of the package."""


class _Backend(_DummyBackendModule):
    def get_amp_supported_dtype(self) -> list[torch.dtype]:
        return [torch.bfloat16]

    def get_rng_state(self, device: object = None) -> Tensor:
        return torch.get_rng_state()

    def set_rng_state(self, state: Tensor, device: object = None) -> None:
        torch.set_rng_state(state)


@cache
def pretended() -> torch.device:
    """The device; PyTorch learns of it at the first call, once a process."""
    _setup_privateuseone_for_python_backend(NAME, backend_module=_Backend())
    return torch.device(NAME, 0)


class PretendedTensor(Tensor):
    """Says that it is on the device, and holds a tensor of the CPU."""

    @staticmethod
    def __new__(cls, held: Tensor) -> "PretendedTensor":
        return Tensor._make_wrapper_subclass(  # type: ignore[attr-defined]
            cls,
            held.shape,
            strides=held.stride(),
            storage_offset=held.storage_offset(),
            dtype=held.dtype,
            device=pretended(),
        )

    def __init__(self, held: Tensor) -> None:
        self.held = held

    def __repr__(self) -> str:  # type: ignore[override]
        return f"PretendedTensor({self.held})"

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        raise MixedDevicesError(f"{func} is called outside of a Watch.")


class Watch(TorchDispatchMode):
    """Within it, the device computes; `waits` lists when the host would have waited for it."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[Wait] = []
        self.launches = 0
        """Operations on the device."""

    def note(self, what: str) -> None:
        """Remember that the host waits."""
        self.waits.append(Wait(what=what, where=_place()))

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if torch.is_inference_mode_enabled():  # where operations made of others arrive whole
            with self:
                parts = func.decompose(*args, **kwargs)
            if parts is not NotImplemented:
                return parts
        tensors = list(_tensors((*args, *kwargs.values())))
        here = [tensor for tensor in tensors if isinstance(tensor, PretendedTensor)]
        others = [t for t in tensors if not isinstance(t, PretendedTensor) and t.ndim]
        asked = kwargs.get("device")
        stays = bool(here) if asked is None else torch.device(asked).type == NAME
        if asked is not None:
            kwargs["device"] = torch.device("cpu")
        if func is aten._to_copy.default and stays != bool(here):
            self._note_copy(args[0], non_blocking=kwargs.get("non_blocking", False))
        elif func is aten.copy_.default:
            if isinstance(args[0], PretendedTensor) != isinstance(args[1], PretendedTensor):
                self._note_copy(args[1], non_blocking=len(args) > 2 and args[2])
        elif here:
            self._check(func, args, kwargs, others)
        if not (stays or here):
            return func(*args, **kwargs)
        self.launches += not func.is_view
        out = func(*_held(args), **{key: _held(value) for key, value in kwargs.items()})
        if not stays:
            return out
        # Views of what was not made for inference are not either.
        is_lasting = func.is_view and not here[0].is_inference()
        with torch.inference_mode(False) if is_lasting else nullcontext():
            return _wrapped(out, {id(each.held): each for each in here})

    def read(self, tensor: PretendedTensor) -> Any:
        """What `tolist` gives."""
        self.note("reads a value")
        return tensor.held.tolist()

    def _note_copy(self, source: Tensor, *, non_blocking: bool) -> None:
        """A copy waits unless it need not be complete, and its memory on the host is locked."""
        is_read = isinstance(source, PretendedTensor)
        if not (non_blocking and (is_read or getattr(source, "is_locked", False))):
            self.note("copies to the host" if is_read else "copies from the host")

    def _check(self, func: Any, args: Any, kwargs: Any, others: list[Tensor]) -> None:
        if func in INDEXING:
            index = list(_tensors(args[1]))
            if any(each.dtype == torch.bool for each in index):
                self.note("learns a shape")
            for each in index:  # which a GPU fetches by itself, and waits
                if not isinstance(each, PretendedTensor):
                    self.note("copies from the host")
            others = [t for t in others if not any(t is each for each in index)]
        if others:
            shapes = ", ".join(str(tuple(each.shape)) for each in others)
            raise MixedDevicesError(f"{func} mixes devices at {_place()}: {shapes} on the CPU.")
        if what := WAITS.get(func):
            self.note(what)
        if func is aten.repeat_interleave.Tensor and kwargs.get("output_size") is None:
            self.note("learns a shape")


@contextmanager
def watching() -> Iterator[Watch]:
    """Compute on the device, and see what is waited for."""
    pretended()
    watch, before = Watch(), torch._C._only_lift_cpu_tensors()
    torch._C._set_only_lift_cpu_tensors(True)  # so that the watch sees what torch.tensor copies
    try:
        with (
            patch.object(Tensor, "pin_memory", _locked),
            patch.object(PretendedTensor, "tolist", lambda tensor: watch.read(tensor)),
            watch,
        ):
            yield watch
    finally:
        torch._C._set_only_lift_cpu_tensors(before)


def _locked(tensor: Tensor) -> Tensor:
    """What `pin_memory` gives."""
    locked = tensor.clone()
    locked.is_locked = True  # type: ignore[attr-defined]
    return locked


def _tensors(values: Any) -> Iterator[Tensor]:
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from _tensors(value)


def _held(value: Any) -> Any:
    if isinstance(value, PretendedTensor):
        return value.held
    return type(value)(map(_held, value)) if isinstance(value, list | tuple) else value


def _wrapped(value: Any, given: dict[int, PretendedTensor]) -> Any:
    """Results as tensors of the device: those that were given, where they were written to."""
    if isinstance(value, Tensor):
        return given[id(value)] if id(value) in given else PretendedTensor(value)
    if isinstance(value, list | tuple):
        return type(value)(_wrapped(each, given) for each in value)
    return value


def _frames() -> Iterator[str]:
    frame = sys._getframe()
    while frame is not None:
        _, found, file = frame.f_code.co_filename.rpartition("matey_core/")
        if found:
            yield f"{file}:{frame.f_lineno}"
        frame = frame.f_back  # type: ignore[assignment]


def _place() -> str:
    """Where in the package the current operation was asked for."""
    return next(_frames(), "the backward pass")
