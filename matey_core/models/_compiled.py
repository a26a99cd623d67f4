"""Parts of a model as compiled code: each kind once, however deep the model is."""

from contextlib import AbstractContextManager, nullcontext

import torch

from matey_core.attention import Block
from matey_core.errors import ConfigError
from matey_core.kernels import KERNELS
from matey_core.models._base import Model
from matey_core.tokenizers._patches import Head, Stem

VARIANTS = 256
"""Shapes that one kind of part is compiled for, before torch gives up."""


def compile_parts(model: Model, *, backend: str = "inductor") -> None:
    """Compile stems, blocks and heads, each when it is first called with new shapes.

    All blocks share one compilation, so it takes as long as one block does. Shapes are taken as
    constants: a store, a number of tokens and a batch size have a compilation each. Where the
    numbers of cells follow from the fields, as with γ, parts run as they are; not so in a backward
    pass that recomputes: do not compile such a model that trains with `recompute`.

    Args:
        model: of the variant `matey`; its weights and their names stay what they are.
        backend: of torch.compile.

    Raises:
        ConfigError: the model is of another variant.
    """
    if model.config.variant != "matey":
        raise ConfigError(
            f"The {model.config.variant} variant is not made to be compiled.",
            remedy="Leave out --compile, or train a model with model.variant=matey.",
        )
    KERNELS["sdpa"]  # which `auto` takes for equal lengths; tracing cannot import it
    torch._dynamo.config.recompile_limit = VARIANTS
    torch._dynamo.config.accumulated_recompile_limit = 4 * VARIANTS
    for part in model.modules():
        if isinstance(part, (Block, Stem, Head)):
            part.compile(backend=backend, dynamic=False, fullgraph=True)


def as_written(*, unless: bool = False) -> AbstractContextManager[object]:
    """Run what is compiled as it is written, until the block ends.

    Args:
        unless: leave things as they are instead.
    """
    return nullcontext() if unless else torch.compiler.set_stance("force_eager")
