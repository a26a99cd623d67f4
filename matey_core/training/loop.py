"""The training loop."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

from matey_core.batches import FieldBatch
from matey_core.distributed import Strategy, whole
from matey_core.models import Model
from matey_core.objectives import Objective, Predict, within
from matey_core.optimizers import set_rate, step_if
from matey_core.training.outcomes import (
    DivergenceError,
    Limits,
    Outcomes,
    Record,
    StepReport,
    Taken,
)
from matey_core.training.precision import Precision
from matey_core.training.state import TrainState

Within = Callable[[TrainState, FieldBatch], AbstractContextManager[object]]
"""What holds while the model predicts a batch in this state of the training."""


AfterStep = Callable[[TrainState, str, Callable[[], None]], None]
"""Is called after every step with the store that it was on, and with what settles all steps so far:
their numbers may be on their way, and a checkpoint must know them."""


def ignore_report(report: StepReport) -> None:
    """Default listener: do nothing."""


def train(
    state: TrainState,
    batches: Iterable[FieldBatch],
    objective: Objective,
    *,
    strategy: Strategy,
    precision: Precision,
    limits: Limits,
    after_step: AfterStep,
    record: Record = ignore_report,
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
        after_step: is called after every step.
        record: is told what every step came to, in order, at the latest before it is settled.
        settings: what each step chooses for the model, such as a number of tokens.
        accumulate: equal parts of a batch that are computed one after another.

    Raises:
        DivergenceError: too many losses in a row are not finite.
        RunError: no loss on a store is.
    """
    outcomes = Outcomes(state, limits, record, is_late=strategy.device.type != "cpu")
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
        norm = strategy.clip(parameters, limits.gradient_norm)
        # Loss and gradients are averages over all processes: all of them decide alike.
        is_finite = torch.isfinite(mean_loss) & torch.isfinite(norm)
        rate = set_rate(state.optimizer, state.schedule(state.position) * state.rate_factor)
        step_if(is_finite, state.optimizer)
        if state.average is not None:
            state.average.update(state.step, when=is_finite)
        state.optimizer.zero_grad(set_to_none=True)
        state.step += 1
        outcomes.settle()  # the step before, where nobody has waited for it
        if state.time is not None:
            state.time.after_step()
        outcomes.add(
            Taken(
                step=state.step,
                dataset=batch.spec.dataset,
                loss=mean_loss,
                gradient_norm=norm,
                learning_rate=rate,
                share=None if state.time is None else state.time.share,
                seconds=time.perf_counter() - began,
                waiting_seconds=waited,
            )
        )
        after_step(state, batch.spec.dataset, outcomes.settle)
        outcomes.check()
    outcomes.check_end()


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
    finite = [torch.isfinite(whole(value)).all() for value in model.parameters()]
    if not bool(torch.stack(finite).all()):
        raise DivergenceError(
            f"The weights are not finite {where}.",
            remedy="Lower the learning rate with --learning-rate.",
        )
