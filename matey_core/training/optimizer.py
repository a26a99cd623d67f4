"""AdamW over the parameters that train."""

from torch import nn
from torch.optim import AdamW


def build_optimizer(module: nn.Module, *, learning_rate: float, weight_decay: float) -> AdamW:
    """Make AdamW; biases, norms and scales (one axis longer than 1, or none) do not decay.

    Fused, as PyTorch's default goes from parameter to parameter on a CPU, and then takes a third
    of a small model's step.
    """
    training = [parameter for parameter in module.parameters() if parameter.requires_grad]
    decays = [parameter for parameter in training if parameter.squeeze().ndim > 1]
    others = [parameter for parameter in training if parameter.squeeze().ndim <= 1]
    groups = [
        {"params": decays, "weight_decay": weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return AdamW([group for group in groups if group["params"]], lr=learning_rate, fused=True)
