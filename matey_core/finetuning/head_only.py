"""The head trains: everything before it stays as it is."""

from typing import Literal

from matey_core.finetuning import FINETUNING, FinetuneModeConfig, train_parts
from matey_core.models import Model


@FINETUNING.register("head_only")
class HeadOnlyConfig(FinetuneModeConfig):
    """The head trains, on features that stay."""

    mode: Literal["head_only"] = "head_only"

    def prepare(self, model: Model) -> None:
        """Let the head train."""
        train_parts(model, {"head"})
