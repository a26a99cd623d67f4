"""Stem, head and field embeddings train; blocks, positions and lead time stay as they are."""

from typing import Literal

from matey_core.finetuning import FINETUNING, FinetuneModeConfig, count_parameters, train_parts
from matey_core.models import Model

FEW = 0.05
"""Fraction of the weights below which freezing changes next to nothing."""


@FINETUNING.register("frozen_attention")
class FrozenAttentionConfig(FinetuneModeConfig):
    """The parts that touch physical fields train."""

    mode: Literal["frozen_attention"] = "frozen_attention"

    def prepare(self, model: Model) -> None:
        """Let stem, head and fields train."""
        train_parts(model, {"stem", "head", "fields"})

    def note(self, model: Model) -> str:
        """Warn where next to nothing is frozen, as in a model without attention."""
        counts = count_parameters(model)
        total = counts.num_frozen + counts.num_trained
        if counts.num_frozen > FEW * total:
            return ""
        others = total - counts.trained.get("head", 0)
        return (
            f"Freezing the attention keeps {counts.num_frozen:,} of {total:,} weights "
            f"({counts.num_frozen / total:.2%}) as they were, since this model has no blocks of "
            f"tokens: nearly all of it trains. --mode head_only freezes up to {others:,}; "
            "--mode layerwise gives each part a rate of its own."
        )
