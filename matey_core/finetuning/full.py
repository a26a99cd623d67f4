"""Everything trains."""

from typing import Literal

from matey_core.finetuning import FINETUNING, FinetuneModeConfig
from matey_core.models import Model


@FINETUNING.register("full")
class FullConfig(FinetuneModeConfig):
    """Every parameter trains."""

    mode: Literal["full"] = "full"

    def prepare(self, model: Model) -> None:
        """Let every parameter train."""
        model.requires_grad_(True)
