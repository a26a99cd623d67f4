"""Adam with decoupled weight decay (Loshchilov & Hutter 2019)."""

from typing import Literal

from pydantic import Field
from torch import nn
from torch.optim import AdamW

from matey_core.optimizers import (
    OPTIMIZERS,
    OptimizerConfig,
    RateFactor,
    groups_of,
    same_rate,
)


@OPTIMIZERS.register("adamw")
class AdamwConfig(OptimizerConfig):
    """AdamW; biases, norms and scales (one axis longer than 1, or none) do not decay."""

    name: Literal["adamw"] = "adamw"
    weight_decay: float = Field(default=1e-3, ge=0.0, le=1e6)
    """Weight decay: a step at learning rate η removes the fraction η × this of a weight."""

    def build(self, module: nn.Module, *, rate_of: RateFactor = same_rate) -> AdamW:
        """Make AdamW over the parameters that require a gradient.

        Fused, as PyTorch's default goes from parameter to parameter on a CPU, and then takes
        a third of a small model's step.
        """
        groups = groups_of(
            module.named_parameters(),
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            rate_of=rate_of,
        )
        return AdamW(groups, lr=self.learning_rate, fused=True)
