"""Time goes to the part that spent it, forward and backward."""

from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor, nn

from matey_core.profiling.clock import PartClock
from matey_core.profiling.parts import watched


class Clock:
    """A clock that only runs while somebody sleeps: what else happens takes no time."""

    now = 0.0

    def perf_counter(self) -> float:
        return self.now

    def sleep(self, ticks: float) -> None:
        self.now += ticks


TIME = Clock()


@pytest.fixture(autouse=True)
def _time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("matey_core.profiling.clock.time", TIME)


class _Sleep(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, there: float, back: float) -> Tensor:
        ctx.back = back
        TIME.sleep(there)
        return x.clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        TIME.sleep(ctx.back)
        return gradient.clone(), None, None


class Sleeper(nn.Module):
    """Sleeps so many ticks forward and backward, after its inner module if it has one."""

    def __init__(self, there: float, back: float, inner: nn.Module | None = None) -> None:
        super().__init__()
        self.there, self.back, self.inner = there, back, inner

    def forward(self, x: Tensor) -> Tensor:
        return _Sleep.apply(self.inner(x) if self.inner else x, self.there, self.back)


class Attention(Sleeper):
    profile_part: ClassVar[str] = "attention"


class Mlp(Sleeper):
    profile_part: ClassVar[str] = "mlp"


@dataclass(frozen=True, slots=True)
class Packed:
    values: Tensor
    lengths: tuple[int, ...]


class Stem(nn.Module):
    profile_part: ClassVar[str] = "stem"

    def forward(self, *, packed: Packed) -> dict[str, Packed]:
        return {"coarse": Packed(_Sleep.apply(packed.values, 5, 7), packed.lengths)}


def timed(model: nn.Module, *args: Any, **kwargs: Any) -> dict[str, float]:
    """Ticks by part of one forward and backward pass."""
    clock = PartClock(torch.device("cpu"))
    clock.switch("other")
    with watched(model, clock):
        output = model(*args, **kwargs)
        if isinstance(output, dict):
            output = output["coarse"].values
        clock.switch("other")
        output.sum().backward()
    clock.switch("other")
    return clock.seconds()


def test_forward_and_backward_of_parts_in_a_row() -> None:
    model = nn.Sequential(Attention(4, 10), Sleeper(3, 6), Mlp(8, 2))
    ticks = timed(model, torch.ones(3, requires_grad=True))
    assert ticks["attention"] == 14
    assert ticks["mlp"] == 10
    assert ticks["other"] == 9


def test_the_innermost_part_gets_the_time() -> None:
    model = nn.Sequential(Attention(4, 6, inner=Mlp(5, 9)))
    ticks = timed(model, torch.ones(3, requires_grad=True))
    assert ticks["attention"] == 10
    assert ticks["mlp"] == 14


def test_tensors_inside_dataclasses_and_keywords() -> None:
    packed = Packed(torch.ones(3, requires_grad=True), (1, 2))
    ticks = timed(Stem(), packed=packed)
    assert ticks["stem"] == 12


def test_values_and_gradients_do_not_change() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 4), Attention(0, 0, inner=nn.Linear(4, 4)), Mlp(0, 0))
    x = torch.randn(5, 4)
    model(x).square().sum().backward()
    expected = [parameter.grad for parameter in model.parameters()]
    model.zero_grad(set_to_none=True)
    with watched(model, PartClock(torch.device("cpu"))):
        model(x).square().sum().backward()
    for parameter, gradient in zip(model.parameters(), expected, strict=True):
        assert torch.equal(parameter.grad, gradient)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model)


def test_every_second_belongs_to_one_part() -> None:
    clock = PartClock(torch.device("cpu"))
    for ticks, part in enumerate(("loader", "other", "optimizer", "loader", "other"), start=1):
        clock.switch(part)
        TIME.sleep(ticks)
    clock.switch("other")
    assert clock.seconds() == {"loader": 1 + 4, "other": 2 + 5, "optimizer": 3}
