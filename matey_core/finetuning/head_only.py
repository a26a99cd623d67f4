"""The head trains; all other weights are frozen."""

from typing import Literal

from matey_core.finetuning import FINETUNING, FinetuneModeConfig, train_parts
from matey_core.models import Model


@FINETUNING.register("head_only")
class HeadOnlyConfig(FinetuneModeConfig):
    """The head trains; all other weights are frozen."""

    mode: Literal["head_only"] = "head_only"

    def prepare(self, model: Model) -> None:
        """Let the head train."""
        train_parts(model, {"head"})
