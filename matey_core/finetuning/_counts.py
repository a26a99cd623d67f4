"""How many parameters train and how many do not, part by part."""

from collections.abc import Mapping
from dataclasses import dataclass

from matey_core.models import Model


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterCounts:
    """Numbers of parameters by part of the model: stem, head, fields, and its body.

    The body is `attention`; `blocks` in a model without attention, `lead time` where that is all.
    """

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
    body = body_of(model)
    counts: dict[bool, dict[str, int]] = {True: {}, False: {}}
    for name, parameter in model.named_parameters():
        by_part = counts[parameter.requires_grad]
        part = body if (found := model.part_of(name)) == "attention" else found
        by_part[part] = by_part.get(part, 0) + parameter.numel()
    return ParameterCounts(trained=counts[True], frozen=counts[False])


def body_of(model: Model) -> str:
    """Say what the part `attention` of a model is, which not every model has."""
    if any(getattr(module, "profile_part", None) == "attention" for module in model.modules()):
        return "attention"
    names = [name for name, _ in model.named_parameters() if model.part_of(name) == "attention"]
    return "lead time" if all(name.startswith("lead_time.") for name in names) else "blocks"
