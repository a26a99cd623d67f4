"""The training loop."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.utils import clip_grad_norm_

from matey_core.batches import FieldBatch
from matey_core.distributed import Strategy
from matey_core.errors import RunError
from matey_core.models import Model
from matey_core.objectives import Objective, Predict, within
from matey_core.optimizers import set_rate
from matey_core.training.precision import Precision
from matey_core.training.skipped import SkippedStores
from matey_core.training.state import TrainState

_LOG = logging.getLogger("matey.training")

Within = Callable[[TrainState, FieldBatch], AbstractContextManager[object]]
"""What holds while the model predicts a batch in this state of the training."""


class DivergenceError(RunError):
    """A model whose numbers are not finite any more; it may help to go back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a step may not exceed."""

    gradient_norm: float
    """Longer gradients are shortened to this norm."""
    skipped_in_a_row: int = 20
    """Batches without a finite loss before training gives up."""
    skipped_of_store: int = 10
    """Batches of a store before training gives up, if none of them had a finite loss."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepReport:
    """One batch, averaged over processes."""

    step: int
    """Batches seen, this one included."""
    dataset: str
    loss: Float[Tensor, ""]
    gradient_norm: Float[Tensor, ""]
    """Before it was shortened."""
    learning_rate: float
    is_skipped: bool
    """Whether loss or gradient was not finite, so that the weights were left alone."""
    seconds: float
    """From asking for the batch to the end of the step; saving and validating not included."""
    waiting_seconds: float
    """Part of `seconds` in which the batch was waited for."""


def train(
    state: TrainState,
    batches: Iterable[FieldBatch],
    objective: Objective,
    *,
    strategy: Strategy,
    precision: Precision,
    limits: Limits,
    after_step: Callable[[TrainState, StepReport], None],
    settings: Sequence[Within] = (),
    accumulate: int = 1,
) -> None:
    """Take one optimizer step a batch until the batches run out.

    Args:
        state: what is trained; its step counts the batches.
        batches: what on.
        objective: how the model is called, and what for.
        strategy: the processes.
        precision: of matrix products.
        limits: what a step may not exceed.
        after_step: is called with every step's report.
        settings: what each step chooses for the model, such as a number of tokens.
        accumulate: equal parts of a batch that are computed one after another.

    Raises:
        DivergenceError: too many losses in a row are not finite.
        RunError: no loss on a store is.
    """
    stores = SkippedStores(limits.skipped_of_store)
    parameters = [parameter for parameter in state.model.parameters() if parameter.requires_grad]
    predict = within(
        state.model,
        [*(partial(setting, state) for setting in settings), precision.within(strategy.device)],
    )
    for batch, began, waited in _timed(batches):
        state.model.train()
        loss = add_gradients(objective, predict, batch, strategy.device, parts=accumulate)
        strategy.all_reduce_gradients(parameters)
        mean_loss = strategy.all_reduce_mean(loss)
        norm = clip_grad_norm_(parameters, limits.gradient_norm)
        # Loss and gradients are averages over all processes: all of them decide alike.
        is_finite = bool(torch.isfinite(mean_loss) & torch.isfinite(norm))
        rate = set_rate(state.optimizer, state.schedule(state.position) * state.rate_factor)
        if is_finite:
            state.optimizer.step()
            if state.average is not None:
                state.average.update(state.step)
        state.optimizer.zero_grad(set_to_none=True)
        state.step += 1
        state.skipped += not is_finite
        state.skipped_in_a_row = 0 if is_finite else state.skipped_in_a_row + 1
        report = StepReport(
            step=state.step,
            dataset=batch.spec.dataset,
            loss=mean_loss,
            gradient_norm=norm,
            learning_rate=rate,
            is_skipped=not is_finite,
            seconds=time.perf_counter() - began,
            waiting_seconds=waited,
        )
        if report.is_skipped:
            _LOG.warning(
                "step %d on %s is skipped: loss %g, gradient norm %g",
                *(report.step, report.dataset, float(mean_loss), float(norm)),
            )
        after_step(state, report)
        if state.skipped_in_a_row > limits.skipped_in_a_row:
            raise _diverged(report, limits)
        stores.add(report.dataset, is_skipped=report.is_skipped)


def _timed(batches: Iterable[FieldBatch]) -> Iterator[tuple[FieldBatch, float, float]]:
    """Give each batch with the time at which it was asked for, and the seconds that it took."""
    began = time.perf_counter()
    for batch in batches:
        yield batch, began, time.perf_counter() - began
        began = time.perf_counter()


def add_gradients(
    objective: Objective, predict: Predict, batch: FieldBatch, device: torch.device, *, parts: int
) -> Float[Tensor, ""]:
    """Add the gradient of a batch's mean loss to those of the parameters.

    Args:
        objective: what is minimized, a mean over samples.
        predict: the model.
        batch: on any device.
        device: where to compute.
        parts: equal parts of the batch; the memory is that of one.

    Returns:
        The mean loss.
    """
    losses = []
    for part in batch.parts(parts):
        value = objective(predict, part.to(device))
        weight = None if parts == 1 else torch.full_like(value.total, 1 / parts)
        value.total.backward(weight)
        losses.append(value.loss.total.detach())
    return losses[0] if parts == 1 else torch.stack(losses).mean()


def check_finite(model: Model, *, where: str) -> None:
    """Refuse weights that are not finite.

    Args:
        model: whose weights.
        where: for the error, such as "after step 3".

    Raises:
        DivergenceError: some are not.
    """
    finite = [torch.isfinite(value).all() for value in model.parameters()]
    if not bool(torch.stack(finite).all()):
        raise DivergenceError(
            f"The weights are not finite {where}.",
            remedy="Lower the learning rate with --learning-rate.",
        )


def _diverged(report: StepReport, limits: Limits) -> DivergenceError:
    return DivergenceError(
        f"The loss or its gradient was not finite in {limits.skipped_in_a_row + 1} steps in a row, "
        f"the last one step {report.step} on {report.dataset}.",
        remedy=f"Lower the learning rate, which was {report.learning_rate:.3g}, with "
        "--set optimizer.learning_rate=..., or look for NaN and outliers in that store.",
    )
