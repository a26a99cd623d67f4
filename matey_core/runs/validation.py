"""How good a model is while it trains: one step and the longest lead, beside persistence."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from matey_core.data import sequential_batches
from matey_core.inference import evaluate, mean_scores
from matey_core.models import Model
from matey_core.runs.sources import StoreWindows
from matey_core.training import Precision


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreScore:
    """Mean nRMSE over fields and validation windows of one store, at one lead."""

    store: str
    lead_steps: int
    error: float
    persistence: float

    @property
    def relative(self) -> float:
        """Error as a multiple of persistence's; NaN where persistence is exact."""
        return self.error / self.persistence if self.persistence > 0 else math.nan


def validate_model(
    model: Model,
    sources: Sequence[StoreWindows],
    *,
    batch_size: int,
    num_batches: int,
    precision: Precision,
    device: torch.device,
) -> tuple[StoreScore, ...]:
    """Score the model on the same few validation windows every time.

    Args:
        model: is put into evaluation mode meanwhile.
        sources: those without validation windows are passed over.
        batch_size: windows of a batch.
        num_batches: batches of each store and lead.
        precision: what the model trains in.
        device: where the model is.
    """
    scores = []
    for source in sources:
        if source.validation is None:
            continue
        for lead in sorted({1, source.validation.max_lead}):
            batches = sequential_batches(
                source.validation,
                batch_size=batch_size,
                lead_steps=(lead,),
                num_windows=num_batches * batch_size,
            )
            with precision.autocast(device):
                tally = evaluate(model, (batch.to(device) for batch in batches))
            score = mean_scores(tally.scores())["nrmse"]
            scores.append(
                StoreScore(
                    store=source.store.name,
                    lead_steps=lead,
                    error=score.error,
                    persistence=score.persistence,
                )
            )
    return tuple(scores)


def overall(scores: Sequence[StoreScore]) -> float:
    """Mean over stores, then over leads, of the error relative to persistence; ∞ for none."""
    by_store: dict[str, list[float]] = {}
    for score in scores:
        if not math.isnan(score.relative):
            by_store.setdefault(score.store, []).append(score.relative)
    means = [sum(values) / len(values) for values in by_store.values()]
    return sum(means) / len(means) if means else math.inf
