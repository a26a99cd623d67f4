"""Errors of a model while it trains: one step, the longest lead and a short rollout.

All are measured beside training-free forecasts, on the same few windows at every validation.
"""

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch

from matey_core.batches import FieldBatch
from matey_core.data import Windows, sequential_batches
from matey_core.forecasts import Blend
from matey_core.forecasts.linear import LinearConfig
from matey_core.forecasts.local_linear import Fit
from matey_core.inference import (
    ENOUGH_FRAMES,
    FITTING,
    FirstFrame,
    Score,
    Tally,
    evaluate,
    measure_blends,
    measure_frames,
    rollout,
)
from matey_core.metrics import persistence
from matey_core.models import Model
from matey_core.runs.scores import StoreScore
from matey_core.runs.scoring import store_score
from matey_core.runs.sources import StoreWindows
from matey_core.training import Precision

OPPONENTS = ("linear", "local_linear")
"""Training-free forecasts that a model is compared with, besides persistence."""
LINEAR = LinearConfig().build()
BLEND_VALUES = 2**19
"""Values of all windows of a store that blends are chosen on, where that is 8 to 64 windows."""
LATER_VALUES = 2**22
"""Values of all frames that the number of blended frames is chosen on, which are kept in memory."""
LATER_WINDOWS = 8
"""Windows that it is chosen on; fewer where frames are large."""
ROLLOUT_FRAMES = 5
"""Frames of the rollout in a validation; fewer where trajectories are too short."""

Errors = Mapping[str, Score]
"""nRMSE by field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """Windows of a store, and the leads at which errors on them are measured."""

    windows: Windows
    leads: tuple[int, ...]
    is_rollout: bool
    num_windows: int
    batch_size: int

    @property
    def num_calls(self) -> int:
        """Number of calls of the model in a validation."""
        batches = -(-min(self.num_windows, len(self.windows)) // self.batch_size)
        return batches * (self.leads[0] if self.is_rollout else len(self.leads))

    def batches(self, leads: tuple[int, ...], device: torch.device) -> Iterator[FieldBatch]:
        """Read the windows."""
        batches = sequential_batches(
            self.windows,
            batch_size=self.batch_size,
            lead_steps=leads,
            num_windows=self.num_windows,
        )
        return (batch.to(device) for batch in batches)


class _Fits(NamedTuple):
    """Windows that blends are chosen on, and fits to their histories."""

    case: _Case
    first: list[FirstFrame]
    """Of each batch, for the weights."""
    later: list[tuple[FieldBatch, Fit]]
    """Longer rollouts, for the number of frames."""


class Validator:
    """Scores a model on the same few validation windows every time.

    The forecasts that it is compared with do not change while it trains. So their errors are
    measured once, at the first validation, and kept in memory.
    """

    def __init__(
        self,
        sources: Sequence[StoreWindows],
        *,
        batch_size: int,
        num_batches: int,
        device: torch.device,
        at_once: int | None = None,
    ) -> None:
        """Choose the windows.

        Args:
            sources: stores; those without validation windows are left out.
            batch_size: windows of a batch.
            num_batches: batches of each store and lead; a rollout takes one.
            device: where the model is.
            at_once: windows that the model is given together; by default a batch.
        """
        self._device = device
        self._cases = [
            case
            for source in sources
            if source.validation is not None
            for case in _cases(source.validation, batch_size, num_batches, at_once or batch_size)
        ]
        self._forecasts: list[list[Errors]] | None = None
        self._fits: list[_Fits] | None = None
        """What blends are chosen on; None until made."""

    @property
    def has_windows(self) -> bool:
        """Whether there is anything to validate on."""
        return bool(self._cases)

    def __call__(self, model: Model, precision: Precision) -> tuple[StoreScore, ...]:
        """Compare a model with the best training-free forecasts.

        Args:
            model: is put into evaluation mode meanwhile.
            precision: of the training.
        """
        forecasts_of_cases = self.score_forecasts()
        return tuple(
            store_score(
                case.windows.store.name,
                lead,
                self._model_errors(model, case, lead, precision),
                forecasts,
                is_rollout=case.is_rollout,
            )
            for case, by_lead in zip(self._cases, forecasts_of_cases, strict=True)
            for lead, forecasts in zip(case.leads, by_lead, strict=True)
        )

    def score_forecasts(self) -> list[list[Errors]]:
        """Score what needs no training, or return what was found before.

        Returns:
            Errors of all forecasts by case and lead.
        """
        if self._forecasts is None:
            self._forecasts = [self._forecast_errors(case) for case in self._cases]
        return self._forecasts

    def blends(self, model: Model, precision: Precision) -> dict[str, dict[str, Blend]]:
        """Choose how much of the local linear fit goes into predicted frames, and into how many.

        Args:
            model: is put into evaluation mode meanwhile.
            precision: of the training.

        Returns:
            Dataset → field → blend.
        """
        found = {}
        for case, first, later in self._known_fits():
            batches = case.batches((1,), self._device)
            with precision.autocast(self._device):
                if blends := measure_blends(model, batches, first):
                    for batch, fit in later:
                        blends = measure_frames(model, batch, blends, fit=fit)
                    found[case.windows.spec.dataset] = blends
        return found

    @torch.inference_mode()
    def _known_fits(self) -> list[_Fits]:
        if self._fits is None:
            cases = [_blend_case(case) for case in self._cases if 1 in case.leads]
            self._fits = [
                _Fits(
                    case,
                    [
                        FirstFrame.of(FITTING.fit(batch))
                        for batch in case.batches((1,), self._device)
                    ],
                    [(batch, FITTING.fit(batch)) for batch in _later_frames(case, self._device)],
                )
                for case in cases
                if case.windows.history > 1
            ]
        return self._fits

    def expected_seconds(self, model: Model, precision: Precision) -> float:
        """Estimate how long a validation takes without the training-free forecasts.

        One batch of each case is predicted, and counted as often as the model will be called.

        Args:
            model: is put into evaluation mode meanwhile.
            precision: what it trains in.
        """
        total = 0.0
        for case in self._cases:
            start = time.perf_counter()
            self._model_errors(model, replace(case, num_windows=case.batch_size), 1, precision)
            total += case.num_calls * (time.perf_counter() - start)
        return total

    def _model_errors(self, model: Model, case: _Case, lead: int, precision: Precision) -> Errors:
        batches = case.batches((lead,), self._device)
        with precision.autocast(self._device):
            if not case.is_rollout:
                return _nrmse(evaluate(model, batches))
            return _nrmse(_evaluate_rollout(model, batches, lead))

    @torch.inference_mode()
    def _forecast_errors(self, case: _Case) -> list[Errors]:
        """Errors of all forecasts at each lead; one fit to a history serves all leads."""
        tallies = [Tally(case.windows.spec.names, OPPONENTS) for _ in case.leads]
        for batch in case.batches(case.leads, self._device):
            assert batch.targets is not None
            still = persistence(batch)
            values = {"linear": LINEAR(batch).values, "local_linear": FITTING(batch).values}
            for index, tally in enumerate(tallies):
                one = slice(index, index + 1)
                tally.add(
                    still[:, one],
                    still[:, one],
                    batch.targets[:, one],
                    None if batch.valid is None else batch.valid[:, one],
                    forecasts={name: each[:, one] for name, each in values.items()},
                )
        return [_nrmse(tally) for tally in tallies]


def rollout_frames(windows: Windows) -> int:
    """Number of frames of a rollout from validation windows; 0 if it would be one step."""
    frames = min(ROLLOUT_FRAMES, windows.store.num_frames - windows.history)
    return frames if frames > 1 else 0


def _blend_case(case: _Case) -> _Case:
    """Windows that blends are chosen on: the fewer, the larger they are."""
    spec = case.windows.spec
    windows = BLEND_VALUES // (len(spec.names) * math.prod(spec.grid.shape))
    return replace(case, num_windows=min(max(8, windows), 64))


def _later_frames(case: _Case, device: torch.device) -> Iterator[FieldBatch]:
    """One batch whose targets are the frames of rollouts; none where there are too few frames."""
    store, history = case.windows.store, case.windows.history
    values = len(store.spec.names) * math.prod(store.spec.grid.shape)
    number = min(max(1, LATER_VALUES // (ENOUGH_FRAMES * values)), LATER_WINDOWS)
    # Half of the frames, so that there are several starts.
    frames = min((store.num_frames - history) // 2, max(2, LATER_VALUES // (number * values)))
    if frames > 1:
        windows = Windows(store, case.windows.samples, history=history, max_lead=frames)
        later = replace(case, windows=windows, num_windows=number, batch_size=number)
        yield from later.batches(tuple(range(1, frames + 1)), device)


def _cases(windows: Windows, batch_size: int, num_batches: int, at_once: int) -> Iterator[_Case]:
    yield _Case(
        windows=windows,
        leads=tuple(sorted({1, windows.max_lead})),
        is_rollout=False,
        num_windows=num_batches * batch_size,
        batch_size=at_once,
    )
    if frames := rollout_frames(windows):
        yield _Case(
            windows=Windows(
                windows.store, windows.samples, history=windows.history, max_lead=frames
            ),
            leads=(frames,),
            is_rollout=True,
            num_windows=batch_size,
            batch_size=at_once,
        )


@torch.inference_mode()
def _evaluate_rollout(model: Model, batches: Iterator[FieldBatch], steps: int) -> Tally:
    """Compare the last frames of rollouts with the targets, which are `steps` frames away."""
    tally: Tally | None = None
    for batch in batches:
        assert batch.targets is not None
        tally = tally or Tally(batch.spec.names)
        missing = None if batch.valid is None else ~batch.valid[:, 0]
        *_, state = rollout(model, batch, steps=steps, missing=missing)
        tally.add(state[:, None], persistence(batch), batch.targets, batch.valid)
    assert tally is not None
    return tally


def _nrmse(tally: Tally) -> Errors:
    return {field: by_metric["nrmse"] for field, by_metric in tally.scores().items()}
