"""Parts of a model as compiled code: each kind once, however deep the model is."""

from contextlib import AbstractContextManager, nullcontext

import torch

from matey_core.errors import ConfigError
from matey_core.kernels import KERNELS
from matey_core.models._base import Model

VARIANTS = 256
"""Shapes that one kind of part is compiled for, before torch gives up."""


def compile_parts(model: Model, *, backend: str = "inductor") -> None:
    """Compile the parts that a model names, each when it is first called with new shapes.

    All blocks share one compilation, so it takes as long as one block does. Shapes are taken as
    constants: a store, a number of tokens and a batch size have a compilation each. Where the
    numbers of cells follow from the fields, as with γ, parts run as they are; not so in a backward
    pass that recomputes: do not compile such a model that trains with `recompute`.

    Args:
        model: its weights and their names stay what they are.
        backend: of torch.compile.

    Raises:
        ConfigError: the model names no parts.
    """
    parts = tuple(model.compiled_parts())
    if not parts:
        raise ConfigError(
            f"The {model.config.variant} variant cannot be compiled.",
            remedy="Leave out --compile, or train a model of another variant, such as matey.",
        )
    KERNELS["sdpa"]  # which `auto` takes for equal lengths; tracing cannot import it
    torch._dynamo.config.recompile_limit = VARIANTS
    torch._dynamo.config.accumulated_recompile_limit = 4 * VARIANTS
    for part in parts:
        part.compile(backend=backend, dynamic=False, fullgraph=True)


def as_written(*, unless: bool = False) -> AbstractContextManager[object]:
    """Run what is compiled as it is written, until the block ends.

    Args:
        unless: leave things as they are instead.
    """
    return nullcontext() if unless else torch.compiler.set_stance("force_eager")
