"""AdamW without a schedule (Defazio et al. 2024): weights are averaged instead."""

from collections.abc import Callable, Iterator
from typing import Any, Literal

import torch
from pydantic import Field, PositiveFloat
from torch import Tensor, nn
from torch.optim import Optimizer

from matey_core.errors import ConfigError, install_extra
from matey_core.optimizers import (
    OPTIMIZERS,
    OptimizerConfig,
    RateFactor,
    groups_of,
    same_rate,
)

COUNTERS = ("k", "weight_sum", "lr_max")
"""Numbers of a group that the package's optimizer keeps beside its moments."""


@OPTIMIZERS.register("schedule_free")
class ScheduleFreeConfig(OptimizerConfig):
    """Schedule-free AdamW, of the package schedulefree; take `schedule.name=constant` with it.

    Gradients are taken at one point and the weights are averaged at another, which is what is
    validated and saved. Biases, norms and scales do not decay.
    """

    name: Literal["schedule_free"] = "schedule_free"
    learning_rate: PositiveFloat = 2.5e-3
    """Largest learning rate; the schedule says when it is reached."""
    weight_decay: float = Field(default=1e-3, ge=0.0, le=1e6)
    """Weight decay: a step at learning rate η removes the fraction η × this of a weight."""
    momentum: float = Field(default=0.9, gt=0.0, lt=1.0)
    """How close to the average gradients are taken: 1 would be at it."""

    def build(self, module: nn.Module, *, rate_of: RateFactor = same_rate) -> Optimizer:
        """Make the optimizer over the parameters that require a gradient.

        Raises:
            ConfigError: the package is not installed.
        """
        try:
            from schedulefree import AdamWScheduleFree
        except ModuleNotFoundError as error:
            raise ConfigError(
                "optimizer.name is schedule_free, and the package schedulefree is not installed.",
                remedy=install_extra("schedule-free"),
            ) from error
        groups = groups_of(
            module.named_parameters(),
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            rate_of=rate_of,
        )
        return AveragedOptimizer(AdamWScheduleFree(groups, betas=(self.momentum, 0.999)))


class AveragedOptimizer(Optimizer):
    """The package's optimizer, with its counters in the state of parameters, which is saved."""

    def __init__(self, inner: Any) -> None:
        super().__init__(inner.param_groups, defaults={})
        self.inner = inner
        inner.state = self.state
        inner.param_groups = self.param_groups
        self._counted: dict[int, Tensor] = {}
        self.train()

    def train(self) -> None:
        """Put the weights where gradients are taken."""
        self.inner.train()

    def eval(self) -> None:
        """Put the weights where they are averaged."""
        self.inner.eval()

    def step(self, closure: Callable[[], float] | None = None) -> Any:
        """Take a step, from the counters that a checkpoint has brought back where one has."""
        for number, group in enumerate(self.param_groups):
            used = next(self._used(group), None)
            if used is not None and used[COUNTERS[0]] is not self._counted.get(number):
                # Once after a checkpoint was loaded, to the device: later counters are on the host.
                group.update({name: used[name].item() for name in COUNTERS})
                group["k"] = int(group["k"])
        loss = self.inner.step(closure)
        for number, group in enumerate(self.param_groups):
            counters = {name: torch.tensor(group[name], dtype=torch.float64) for name in COUNTERS}
            self._counted[number] = counters[COUNTERS[0]]
            for state in self._used(group):
                state.update(counters)
        return loss

    def _used(self, group: dict[str, Any]) -> Iterator[dict[str, Tensor]]:
        """States of the parameters that a batch has used."""
        return (self.state[each] for each in group["params"] if self.state.get(each))
