"""Everything trains."""

from matey_core.finetuning import FINETUNING
from matey_core.models import Model


@FINETUNING.register("full")
def full(model: Model) -> None:
    """Let every parameter train."""
    model.requires_grad_(True)
