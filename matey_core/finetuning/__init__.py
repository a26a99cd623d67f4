"""What may change when a trained model meets new data: the door of the family."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from matey_core.models import Model
from matey_core.registry import Registry

FinetuningMode = Callable[[Model], None]
"""Decides which parameters train, by setting `requires_grad` on every one of them."""

FINETUNING: Registry[FinetuningMode] = Registry(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterCounts:
    """Numbers of parameters by part of the model: stem, head, fields, attention."""

    trained: Mapping[str, int]
    frozen: Mapping[str, int]

    @property
    def num_trained(self) -> int:
        """Parameters that training changes."""
        return sum(self.trained.values())

    @property
    def num_frozen(self) -> int:
        """Parameters that stay as they are."""
        return sum(self.frozen.values())


def count_parameters(model: Model) -> ParameterCounts:
    """Count what trains and what does not, part by part."""
    counts: dict[bool, dict[str, int]] = {True: {}, False: {}}
    for name, parameter in model.named_parameters():
        by_part = counts[parameter.requires_grad]
        part = model.part_of(name)
        by_part[part] = by_part.get(part, 0) + parameter.numel()
    return ParameterCounts(trained=counts[True], frozen=counts[False])


__all__ = ["FINETUNING", "FinetuningMode", "ParameterCounts", "count_parameters"]
