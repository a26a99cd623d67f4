"""Adam with decoupled weight decay (Loshchilov & Hutter 2019)."""

from typing import Literal

from pydantic import NonNegativeFloat
from torch import nn
from torch.optim import AdamW

from matey_core.optimizers import (
    OPTIMIZERS,
    OptimizerConfig,
    RateFactor,
    num_long_axes,
    same_rate,
)


@OPTIMIZERS.register("adamw")
class AdamwConfig(OptimizerConfig):
    """AdamW; biases, norms and scales (one axis longer than 1, or none) do not decay."""

    name: Literal["adamw"] = "adamw"
    weight_decay: NonNegativeFloat = 1e-3
    """Weight decay: a step at learning rate η removes the fraction η × this of a weight."""

    def build(self, module: nn.Module, *, rate_of: RateFactor = same_rate) -> AdamW:
        """Make AdamW over the parameters that require a gradient.

        Fused, as PyTorch's default goes from parameter to parameter on a CPU, and then takes
        a third of a small model's step.
        """
        groups: dict[float, tuple[list[nn.Parameter], list[nn.Parameter]]] = {}
        for name, parameter in module.named_parameters():
            if parameter.requires_grad:
                decays, others = groups.setdefault(rate_of(name), ([], []))
                (decays if num_long_axes(parameter) > 1 else others).append(parameter)
        return AdamW(
            [
                {"params": parameters, "lr": self.learning_rate * factor, "weight_decay": decay}
                for factor, (decays, others) in groups.items()
                for parameters, decay in ((decays, self.weight_decay), (others, 0.0))
                if parameters
            ],
            lr=self.learning_rate,
            fused=True,
        )
