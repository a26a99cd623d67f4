"""Optimizers change weights by gradients: the door of the family."""

from abc import abstractmethod
from collections.abc import Callable, Iterable
from typing import Any, ClassVar, Protocol, TypeGuard, runtime_checkable

from jaxtyping import Bool
from pydantic import PositiveFloat
from torch import Tensor, nn
from torch.optim import Optimizer

from matey_core.config import PartConfig
from matey_core.registry import Registry

RateFactor = Callable[[str], float]
"""Name of a parameter → its learning rate as a fraction of the setting."""

LARGEST_RATE = 1e30
"""Larger rates count as this: optimizers multiply them, and a factor beyond float32 is an error."""


@runtime_checkable
class AveragesWeights(Protocol):
    """An optimizer whose gradients are taken at other weights than those it finds."""

    def train(self) -> None:
        """Put the weights where gradients are taken."""

    def eval(self) -> None:
        """Put the weights where they are to be used."""


class StepsOnDevice(Protocol):
    """An optimizer that takes no step where the device finds that it must not."""

    found_inf: Tensor | None
    """(), on the device: other than 0 where nothing may change."""

    def step(self) -> Any:
        """Take a step if it may."""


OPTIMIZERS: Registry[type["OptimizerConfig"]] = Registry(__name__)


def same_rate(name: str) -> float:
    """Default factor of the learning rate: 1 for every parameter."""
    return 1.0


def num_long_axes(parameter: nn.Parameter) -> int:
    """Axes longer than 1: biases, norms and scales have one or none."""
    return sum(size > 1 for size in parameter.shape)


def groups_of(
    parameters: Iterable[tuple[str, nn.Parameter]],
    *,
    learning_rate: float,
    weight_decay: float,
    rate_of: RateFactor,
) -> list[dict[str, Any]]:
    """Group parameters by learning rate and weight decay, for an optimizer of PyTorch.

    Args:
        parameters: by name; those that require no gradient are left out.
        learning_rate: the largest.
        weight_decay: of parameters with more than one long axis; others do not decay.
        rate_of: learning rate of each parameter relative to `learning_rate`.
    """
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in parameters:
        if parameter.requires_grad:
            decay = weight_decay if num_long_axes(parameter) > 1 else 0.0
            groups.setdefault((learning_rate * rate_of(name), decay), []).append(parameter)
    return [
        {"params": members, "lr": rate, "weight_decay": decay}
        for (rate, decay), members in groups.items()
    ]


class OptimizerConfig(PartConfig):
    """Settings of an optimizer."""

    family: ClassVar[Registry[Any]] = OPTIMIZERS
    default: ClassVar[str] = "muon"

    learning_rate: PositiveFloat = 1e-3
    """Largest learning rate; the schedule says when it is reached."""

    @abstractmethod
    def build(self, module: nn.Module, *, rate_of: RateFactor = same_rate) -> Optimizer:
        """Make the optimizer of the parameters that require a gradient.

        Its state of a parameter is tensors by name, numbers or of the parameter's shape: that is
        what checkpoints keep.

        Args:
            module: what is trained, with `requires_grad` set.
            rate_of: learning rate of each parameter relative to `learning_rate`.
        """


def step_if(condition: Bool[Tensor, ""], optimizer: Optimizer) -> None:
    """Take a step if a condition holds, which the device decides where the optimizer lets it.

    Optimizers that do so, as PyTorch's fused ones, look at `found_inf` themselves. With others the
    host waits for the condition.

    Args:
        condition: on the device of the parameters.
        optimizer: whose state and parameters are left alone otherwise.
    """
    if condition.device.type == "cpu" or not leaves_steps_to_device(optimizer):
        if bool(condition):
            optimizer.step()
        return
    optimizer.found_inf = (~condition).float()
    optimizer.step()
    optimizer.found_inf = None


def leaves_steps_to_device(optimizer: Optimizer) -> TypeGuard[StepsOnDevice]:
    """Whether an optimizer looks at its `found_inf` on the device."""
    return bool(getattr(optimizer, "_step_supports_amp_scaling", False))


def set_rate(optimizer: Optimizer, fraction: float) -> float:
    """Set every group's learning rate to a fraction of its largest.

    Args:
        optimizer: made with the largest rates.
        fraction: what the schedule says.

    Returns:
        The largest rate of a group now.
    """
    for group in optimizer.param_groups:
        rate = group.setdefault("initial_lr", group["lr"]) * fraction
        group["lr"] = min(rate, LARGEST_RATE)
    return max(float(group["lr"]) for group in optimizer.param_groups)
