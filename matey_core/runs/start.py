"""What is known before the first step, and printed then."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from jaxtyping import Int
from torch import Tensor

from matey_core.data import Windows, sequential_batches
from matey_core.errors import ShapeError
from matey_core.finetuning import ParameterCounts
from matey_core.models import AdaptiveModel, Inputs, Model, tokenized
from matey_core.profiling import count_forward
from matey_core.runs.sources import StoreWindows
from matey_core.runs.time_plan import TimePlan
from matey_core.runs.token_plan import TokenPlan
from matey_core.training import Parity

INSPECTED = 8
"""Training windows whose tokens are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreFacts:
    """A store as the model will see it."""

    name: str
    fields: tuple[str, ...]
    grid: tuple[int, ...]
    trajectories: int
    """Number of training trajectories."""
    windows: int
    """Number of training windows."""
    tokens: float | None
    """Mean number of tokens of a frame, over a few windows; None where no cells are cut."""
    fewest_tokens: int | None
    most_tokens: int | None
    flops: int | None = None
    """Operations of a sample, one forward pass; None where they follow from the fields."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartFacts:
    """What will be trained, on what, where and how."""

    run: Path
    device: str
    num_processes: int
    precision: str
    precision_reason: str
    parity: Parity | None
    """How far bfloat16 is from float32 on the first batch; None where it is not used."""
    parameters: ParameterCounts
    stores: tuple[StoreFacts, ...]
    notes: tuple[str, ...]
    """What a user should know: stores left out, samples that were too few."""
    step: int
    """Where training starts: 0, or the step that it resumes from."""
    steps: int
    """Number of steps of the whole training; where it has a time instead, the number expected."""
    plan: TimePlan | None = None
    """What the time comes to; None where the settings say how many steps."""


OnStart = Callable[[StartFacts], None]


def ignore_start(facts: StartFacts) -> None:
    """Default callback: does nothing."""


@torch.inference_mode()
def store_facts(
    model: Model, sources: Sequence[StoreWindows], tokens: TokenPlan
) -> tuple[StoreFacts, ...]:
    """Count the tokens of every store's frames.

    Args:
        model: on the CPU.
        sources: what it will train on.
        tokens: how the run cuts them.

    Raises:
        ShapeError: a grid is smaller than a patch.
    """
    shown = (replace(inputs, moves=False) for inputs in tokens.inputs)
    return tuple(
        _facts(model, source, inputs) for source, inputs in zip(sources, shown, strict=True)
    )


def _facts(model: Model, source: StoreWindows, inputs: Inputs) -> StoreFacts:
    windows = source.training
    cutting = tokenized(model)
    try:
        counts = _counts(cutting, windows) if cutting else None
        flops = model.flops(inputs)
        if flops is None and counts is None:  # it is the same for all windows
            flops = count_forward(model, windows.batch([0], [[1]]))
    except ShapeError as error:
        raise ShapeError(
            f"{source.store.name}: {error}",
            remedy=f"{error.remedy} Or move the store out of the folder.",
        ) from error
    return StoreFacts(
        name=source.store.name,
        fields=source.store.spec.names,
        grid=source.store.spec.grid.shape,
        trajectories=len(windows.samples),
        windows=len(windows),
        tokens=None if counts is None else float(counts.double().mean()),
        fewest_tokens=None if counts is None else int(counts.min()),
        most_tokens=None if counts is None else int(counts.max()),
        flops=flops,
    )


def _counts(model: AdaptiveModel, windows: Windows) -> Int[Tensor, " n"]:
    """Tokens of a frame of the first few windows."""
    batches = sequential_batches(windows, batch_size=1, lead_steps=(1,), num_windows=INSPECTED)
    return torch.cat([model.count_tokens(batch).cpu() for batch in batches])
