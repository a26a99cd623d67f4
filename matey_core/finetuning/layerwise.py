"""Every part trains with its own learning rate; deep blocks may train faster than early ones."""

from typing import Literal

from pydantic import Field, NonNegativeFloat
from torch import nn

from matey_core.finetuning import FINETUNING, FinetuneModeConfig
from matey_core.models import Model


@FINETUNING.register("layerwise")
class LayerwiseConfig(FinetuneModeConfig):
    """Multiples of the learning rate for each part; 0 freezes a part.

    With a decay d, block i of n has attention · d^(n - 1 - i), as in arXiv 1801.06146, and what
    else belongs to the attention, such as positions, has attention · d^n.
    """

    mode: Literal["layerwise"] = "layerwise"
    stem: NonNegativeFloat = 1.0
    """Multiple for the stem."""
    attention: NonNegativeFloat = 0.1
    """Multiple for blocks, positions and lead time."""
    head: NonNegativeFloat = 1.0
    """Multiple for the head."""
    fields: NonNegativeFloat = 1.0
    """Multiple for the fields' embeddings."""
    decay: float = Field(default=1.0, gt=0, le=1)
    """Multiple of a block as a fraction of the next block's; 1 for all alike."""

    def prepare(self, model: Model) -> None:
        """Freeze the parts whose rate is 0."""
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(getattr(self, model.part_of(name)) > 0)

    def rate_of(self, model: Model, parameter: str) -> float:
        """Look up the rate of its part and depth; 1 for what is new in a frozen part."""
        part = model.part_of(parameter)
        rate = float(getattr(self, part)) or 1.0
        return rate * self.decay ** _layers_above(model, parameter) if part == "attention" else rate


def _layers_above(model: Model, parameter: str) -> int:
    """Number of blocks between a parameter and the head."""
    lists = {
        name: len(module)
        for name, module in model.named_modules()
        if isinstance(module, nn.ModuleList) and model.part_of(f"{name}.0") == "attention"
    }
    blocks = max(lists, key=lambda name: lists[name], default="")
    inside = parameter.removeprefix(f"{blocks}.")
    if not blocks or inside == parameter:
        return lists.get(blocks, 0)
    return lists[blocks] - 1 - int(inside.partition(".")[0])
