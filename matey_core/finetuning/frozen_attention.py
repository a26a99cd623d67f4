"""Stem, head and field embeddings train; blocks, positions and lead time stay as they are."""

from typing import Literal

from matey_core.finetuning import FINETUNING, FinetuneModeConfig, train_parts
from matey_core.models import Model


@FINETUNING.register("frozen_attention")
class FrozenAttentionConfig(FinetuneModeConfig):
    """The parts that touch physical fields train."""

    mode: Literal["frozen_attention"] = "frozen_attention"

    def prepare(self, model: Model) -> None:
        """Let stem, head and fields train."""
        train_parts(model, {"stem", "head", "fields"})
