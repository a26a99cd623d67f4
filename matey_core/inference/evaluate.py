"""Errors of a model beside those of persistence, on identical cases."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from matey_core.batches import FieldBatch
from matey_core.metrics import METRICS, persistence
from matey_core.models import Model


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Mean of one metric over cases, for the model and for persistence.

    A case is one sample at one lead time, for one field.
    """

    error: float
    """∞ if a prediction was not finite, NaN if there was no case to average."""
    persistence: float
    cases: int
    """How many cases both means are taken over."""
    undefined: int
    """Cases left out of both means because the target has no scale, or is not known at all."""
    not_finite: int
    """Cases among `cases` whose prediction is NaN or infinite."""

    @property
    def is_worse(self) -> bool:
        """Whether doing nothing would have been better."""
        return self.error > self.persistence


class Tally:
    """Adds up the errors of some fields, batch by batch."""

    def __init__(self, fields: Sequence[str]) -> None:
        self.fields = tuple(fields)
        size = len(self.fields)
        self._cases = 0
        self._sums = {name: torch.zeros(4, size, dtype=torch.float64) for name in METRICS.names()}

    def add(
        self,
        prediction: Float[Tensor, "b l c *space"],
        baseline: Float[Tensor, "b l c *space"],
        target: Float[Tensor, "b l c *space"],
        valid: Bool[Tensor, "b l c *space"] | None = None,
    ) -> None:
        """Count `b × l` more cases of every field.

        Args:
            prediction: (b, l, c, *space) of the model.
            baseline: (b, l, c, *space) of persistence.
            target: (b, l, c, *space) the truth.
            valid: (b, l, c, *space) cells that count; None if all do.
        """
        counts = prediction.isfinite() if valid is None else prediction.isfinite() | ~valid
        is_finite = counts.flatten(3).all(dim=3)
        for name, sums in self._sums.items():
            metric = METRICS[name]
            ours, theirs = metric(prediction, target, valid), metric(baseline, target, valid)
            is_defined = theirs.isfinite() & (ours.isfinite() | ~is_finite)
            rows = torch.stack(
                [
                    torch.where(is_finite, ours, torch.inf).where(is_defined, 0),
                    theirs.where(is_defined, 0),
                    is_defined.double(),
                    (is_defined & ~is_finite).double(),
                ]
            )
            sums += rows.flatten(1, 2).sum(dim=1).cpu()
        self._cases += is_finite.shape[0] * is_finite.shape[1]

    def scores(self) -> dict[str, dict[str, Score]]:
        """Means so far, by field and then by metric."""
        return {
            field: {name: self._score(sums[:, index].tolist()) for name, sums in self._sums.items()}
            for index, field in enumerate(self.fields)
        }

    def _score(self, sums: list[float]) -> Score:
        error, baseline, cases, not_finite = sums
        return Score(
            error=error / cases if cases else math.nan,
            persistence=baseline / cases if cases else math.nan,
            cases=int(cases),
            undefined=self._cases - int(cases),
            not_finite=int(not_finite),
        )


@torch.inference_mode()
def evaluate(model: Model, batches: Iterable[FieldBatch]) -> Tally:
    """Compare predictions and persistence with the targets of some batches.

    Args:
        model: is put into evaluation mode meanwhile.
        batches: of the same fields, with targets.

    Raises:
        ValueError: there is no batch.
    """
    was_training = model.training
    model.eval()
    tally: Tally | None = None
    try:
        for batch in batches:
            assert batch.targets is not None
            tally = tally or Tally(batch.spec.names)
            tally.add(model(batch).values, persistence(batch), batch.targets, batch.valid)
    finally:
        model.train(was_training)
    if tally is None:
        raise ValueError("there is no batch to evaluate on")
    return tally


def mean_scores(scores: Mapping[str, Mapping[str, Score]]) -> dict[str, Score]:
    """Average over fields, each field counting once; fields without a case are left out."""
    return {name: _mean([by_name[name] for by_name in scores.values()]) for name in METRICS.names()}


def _mean(scores: Sequence[Score]) -> Score:
    defined = [score for score in scores if score.cases]
    count = len(defined) or math.nan
    return Score(
        error=sum(score.error for score in defined) / count,
        persistence=sum(score.persistence for score in defined) / count,
        cases=sum(score.cases for score in scores),
        undefined=sum(score.undefined for score in scores),
        not_finite=sum(score.not_finite for score in scores),
    )
