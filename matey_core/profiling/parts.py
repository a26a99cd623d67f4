"""Switches a clock wherever a model enters or leaves one of its parts, both ways.

A module class says which part it is with `profile_part: ClassVar[str]`. Forward, hooks
around the module switch the clock. Backward, identity functions in the graph do: one on
the module's outputs, which runs first in its backward pass, and one on its inputs, which
runs last. Time inside a part's module belongs to the innermost part.
"""

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from matey_core.profiling.clock import PartClock


@contextmanager
def watched(model: nn.Module, clock: PartClock) -> Iterator[None]:
    """Attribute the model's time to its parts while the context lasts.

    A part whose inputs need no gradient (a stem) is left in the backward pass only
    when the next part is entered or the pass ends.
    """
    handles = []
    for module in model.modules():
        part = getattr(type(module), "profile_part", None)
        if isinstance(part, str):
            outer: list[str] = []
            handles.append(
                module.register_forward_pre_hook(_entering(clock, part, outer), with_kwargs=True)
            )
            handles.append(module.register_forward_hook(_leaving(clock, part, outer)))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _entering(clock: PartClock, part: str, outer: list[str]) -> Callable[..., Any]:
    def hook(module: nn.Module, args: Any, kwargs: Any) -> Any:
        outer.append(clock.switch(part))
        return _marked((args, kwargs), clock, outer[-1])

    return hook


def _leaving(clock: PartClock, part: str, outer: list[str]) -> Callable[..., Any]:
    def hook(module: nn.Module, args: Any, output: Any) -> Any:
        output = _marked(output, clock, part)
        clock.switch(outer.pop())
        return output

    return hook


def _marked(tree: Any, clock: PartClock, part: str) -> Any:
    """Make the backward pass switch the clock once, when all gradients of `tree` exist."""
    tensors = [leaf for leaf in _leaves(tree) if leaf.requires_grad]
    if not tensors or not torch.is_grad_enabled():
        return tree
    marked = _Switch.apply(clock, part, *tensors)  # type: ignore[no-untyped-call]
    replacement = dict(zip(map(id, tensors), marked, strict=True))
    return _replaced(tree, replacement)


class _Switch(torch.autograd.Function):
    """The identity, whose backward pass switches a clock."""

    @staticmethod
    def forward(ctx: Any, clock: PartClock, part: str, *tensors: Tensor) -> tuple[Tensor, ...]:
        ctx.clock, ctx.part = clock, part
        return tuple(tensor.view_as(tensor) for tensor in tensors)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Any, ...]:
        ctx.clock.switch(ctx.part)
        return (None, None, *gradients)


def _leaves(tree: Any) -> Iterator[Tensor]:
    if isinstance(tree, Tensor):
        yield tree
    for child in _children(tree).values():
        yield from _leaves(child)


def _children(tree: Any) -> dict[Any, Any]:
    if isinstance(tree, dict):
        return tree
    if isinstance(tree, list | tuple):
        return dict(enumerate(tree))
    if dataclasses.is_dataclass(tree) and not isinstance(tree, type):
        return {field.name: getattr(tree, field.name) for field in dataclasses.fields(tree)}
    return {}


def _replaced(tree: Any, replacement: dict[int, Tensor]) -> Any:
    if isinstance(tree, Tensor):
        return replacement.get(id(tree), tree)
    before = _children(tree)
    after = {key: _replaced(child, replacement) for key, child in before.items()}
    if all(after[key] is before[key] for key in before):
        return tree
    if isinstance(tree, dict):
        return after
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*after.values())
    if isinstance(tree, list | tuple):
        return type(tree)(after.values())
    return dataclasses.replace(tree, **after)
