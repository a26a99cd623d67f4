"""Errors of a model beside those of what needs no training, on identical cases."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from matey_core.batches import FieldBatch
from matey_core.forecasts import Forecaster
from matey_core.inference.blend import from_known
from matey_core.metrics import METRICS, persistence
from matey_core.models import Model

NO_FORECASTERS: Mapping[str, Forecaster] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Mean of one metric over cases, for the model and for what needs no training.

    A case is one sample at one lead time, for one field.
    """

    error: float
    """∞ if a prediction was not finite, NaN if there was no case to average."""
    persistence: float
    forecasts: Mapping[str, float]
    """The same of other forecasts without training, by name; ∞ where one was not finite."""
    cases: int
    """How many cases all means are taken over."""
    undefined: int
    """Cases left out of all means because the target has no scale, or is not known at all."""
    not_finite: int
    """Cases among `cases` whose prediction is NaN or infinite."""

    @property
    def is_worse(self) -> bool:
        """Whether doing nothing would have been better."""
        return self.error > self.persistence

    @property
    def best_forecast(self) -> str:
        """Name of the forecast without training that has the smallest error."""
        errors = {"persistence": self.persistence, **self.forecasts}
        return min(errors, key=errors.__getitem__)

    @property
    def is_beaten(self) -> bool:
        """Whether some forecast without training would have been better."""
        return self.error > min(self.persistence, *self.forecasts.values(), math.inf)


class Tally:
    """Adds up the errors of some fields, batch by batch."""

    def __init__(self, fields: Sequence[str], forecasts: Sequence[str] = ()) -> None:
        """Begin with no case.

        Args:
            fields: their names, in the order of the channel axis.
            forecasts: names of the forecasts that stand beside persistence.
        """
        self.fields = tuple(fields)
        self.forecasts = tuple(forecasts)
        size = (4 + len(self.forecasts), len(self.fields))
        self._cases = 0
        self._sums = {name: torch.zeros(size, dtype=torch.float64) for name in METRICS.names()}

    def add(
        self,
        prediction: Float[Tensor, "b l c *space"],
        baseline: Float[Tensor, "b l c *space"],
        target: Float[Tensor, "b l c *space"],
        valid: Bool[Tensor, "b l c *space"] | None = None,
        *,
        forecasts: Mapping[str, Float[Tensor, "b l c *space"]] | None = None,
    ) -> None:
        """Count `b × l` more cases of every field.

        Args:
            prediction: (b, l, c, *space) of the model.
            baseline: (b, l, c, *space) of persistence.
            target: (b, l, c, *space) the truth.
            valid: (b, l, c, *space) cells that count; None if all do.
            forecasts: (b, l, c, *space) of each further forecast, by name.
        """
        others = [(forecasts or {})[name] for name in self.forecasts]
        is_finite = _is_finite(prediction, valid)
        for name, sums in self._sums.items():
            metric = METRICS[name]
            ours, theirs = metric(prediction, target, valid), metric(baseline, target, valid)
            is_defined = theirs.isfinite() & (ours.isfinite() | ~is_finite)
            errors = [torch.where(is_finite, ours, torch.inf), theirs]
            errors += [
                metric(other, target, valid).where(_is_finite(other, valid), torch.inf)
                for other in others
            ]
            rows = [error.where(is_defined, 0) for error in errors]
            rows += [is_defined.double(), (is_defined & ~is_finite).double()]
            sums += torch.stack(rows).flatten(1, 2).sum(dim=1).cpu()
        self._cases += is_finite.shape[0] * is_finite.shape[1]

    def scores(self) -> dict[str, dict[str, Score]]:
        """Means so far, by field and then by metric."""
        return {
            field: {name: self._score(sums[:, index].tolist()) for name, sums in self._sums.items()}
            for index, field in enumerate(self.fields)
        }

    def _score(self, sums: list[float]) -> Score:
        *errors, cases, not_finite = sums
        error, baseline, *others = (value / cases if cases else math.nan for value in errors)
        return Score(
            error=error,
            persistence=baseline,
            forecasts=dict(zip(self.forecasts, others, strict=True)),
            cases=int(cases),
            undefined=self._cases - int(cases),
            not_finite=int(not_finite),
        )


@torch.inference_mode()
def evaluate(
    model: Model,
    batches: Iterable[FieldBatch],
    forecasters: Mapping[str, Forecaster] = NO_FORECASTERS,
) -> Tally:
    """Compare predictions and what needs no training with the targets of some batches.

    Args:
        model: is put into evaluation mode meanwhile.
        batches: of the same fields, with targets.
        forecasters: by name, what shall stand beside persistence.

    Raises:
        ValueError: there is no batch.
    """
    was_training = model.training
    model.eval()
    tally: Tally | None = None
    try:
        for batch in batches:
            assert batch.targets is not None
            tally = tally or Tally(batch.spec.names, tuple(forecasters))
            tally.add(
                from_known(model, batch),
                persistence(batch),
                batch.targets,
                batch.valid,
                forecasts={name: each(batch).values for name, each in forecasters.items()},
            )
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
        forecasts={
            name: sum(score.forecasts[name] for score in defined) / count
            for name in (scores[0].forecasts if scores else ())
        },
        cases=sum(score.cases for score in scores),
        undefined=sum(score.undefined for score in scores),
        not_finite=sum(score.not_finite for score in scores),
    )


def _is_finite(
    states: Float[Tensor, "b l c *space"], valid: Bool[Tensor, "b l c *space"] | None
) -> Bool[Tensor, "b l c"]:
    """Whether every cell that counts is finite."""
    counts = states.isfinite() if valid is None else states.isfinite() | ~valid
    return counts.flatten(3).all(dim=3)
