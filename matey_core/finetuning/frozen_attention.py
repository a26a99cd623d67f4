"""Stem, head and field embeddings train; blocks, positions and lead time stay as they are."""

from matey_core.finetuning import FINETUNING
from matey_core.models import Model

TRAINED = {"stem", "head", "fields"}


@FINETUNING.register("frozen_attention")
def frozen_attention(model: Model) -> None:
    """Let only the parts that touch physical fields train."""
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(model.part_of(name) in TRAINED)
