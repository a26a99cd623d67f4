"""AdamW over the parameters that train."""

from collections.abc import Callable
from typing import Any

from torch import nn
from torch.optim import AdamW


def build_optimizer(
    module: nn.Module,
    *,
    learning_rate: float,
    weight_decay: float,
    rate_of: Callable[[str], float] | None = None,
) -> AdamW:
    """Make AdamW over the parameters that train; see `parameter_groups`.

    Fused, as PyTorch's default goes from parameter to parameter on a CPU, and then takes a third
    of a small model's step.
    """
    groups = parameter_groups(module, weight_decay=weight_decay, rate_of=rate_of)
    return AdamW(groups, lr=learning_rate, fused=True)


def parameter_groups(
    module: nn.Module, *, weight_decay: float, rate_of: Callable[[str], float] | None = None
) -> list[dict[str, Any]]:
    """Sort the parameters that train by how they are updated.

    Biases, norms and scales (one axis longer than 1, or none) do not decay.

    Args:
        module: holds the parameters.
        weight_decay: of all others.
        rate_of: says by a parameter's name which multiple of the learning rate it has; by
            default 1. A schedule finds it as `factor` of each group.
    """
    groups: dict[float, tuple[list[nn.Parameter], list[nn.Parameter]]] = {}
    for name, parameter in module.named_parameters():
        if parameter.requires_grad:
            decays, others = groups.setdefault(rate_of(name) if rate_of else 1.0, ([], []))
            (decays if parameter.squeeze().ndim > 1 else others).append(parameter)
    return [
        {"params": parameters, "weight_decay": decay, "factor": factor}
        for factor, (decays, others) in groups.items()
        for parameters, decay in ((decays, weight_decay), (others, 0.0))
        if parameters
    ]
