"""What holds for whatever changes weights."""

from importlib.util import find_spec

import pytest
import torch
from torch import nn

from matey_core.errors import ConfigError
from matey_core.optimizers import LARGEST_RATE, OPTIMIZERS, set_rate
from matey_core.optimizers.adamw import AdamwConfig
from matey_core.optimizers.muon import MuonConfig
from matey_core.optimizers.schedule_free import ScheduleFreeConfig

PACKAGES = {"schedule_free": "schedulefree"}
NAMES = [name for name in OPTIMIZERS.names() if find_spec(PACKAGES.get(name, "torch"))]


def module() -> nn.Module:
    """Two layers, the second of which is frozen."""
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Linear(4, 3), nn.LayerNorm(3), nn.Linear(3, 2))
    layers[2].requires_grad_(False)
    return layers


def stepped(name: str, layers: nn.Module, *, fraction: float = 1.0) -> torch.optim.Optimizer:
    """Take one step with gradients of 1."""
    optimizer = OPTIMIZERS[name](learning_rate=0.1).build(
        layers, rate_of=lambda parameter: 0.0 if parameter.endswith("bias") else 1.0
    )
    set_rate(optimizer, fraction)
    for parameter in layers.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    return optimizer


@pytest.mark.parametrize("name", NAMES)
def test_a_step_goes_down_the_gradient_and_leaves_the_frozen_alone(name: str) -> None:
    layers = module()
    before = {key: value.detach().clone() for key, value in layers.named_parameters()}
    stepped(name, layers)
    for key, value in layers.named_parameters():
        moves = value.requires_grad and not key.endswith("bias")
        assert (value < before[key]).all() if moves else torch.equal(value, before[key]), key


@pytest.mark.parametrize("name", NAMES)
def test_the_rate_scales_a_first_step_and_the_largest_is_reported(name: str) -> None:
    whole, half, start = module(), module(), module()
    stepped(name, whole)
    stepped(name, half, fraction=0.5)
    torch.testing.assert_close(
        2 * (half[0].weight - start[0].weight), whole[0].weight - start[0].weight
    )
    optimizer = OPTIMIZERS[name](learning_rate=0.1).build(module())
    assert set_rate(optimizer, 0.5) == 0.05
    assert set_rate(optimizer, 0.25) == 0.025


@pytest.mark.parametrize("name", NAMES)
def test_a_rate_that_float32_does_not_hold_is_no_fault(name: str) -> None:
    layers = module()
    optimizer = OPTIMIZERS[name](learning_rate=1e300, weight_decay=1e6).build(layers)
    assert set_rate(optimizer, 1.0) == LARGEST_RATE
    for parameter in layers.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    assert layers[0].weight.abs().max() > 1e28


@pytest.mark.parametrize("name", NAMES)
def test_its_state_is_tensors_of_the_parameters_that_train(name: str) -> None:
    layers = module()
    state = stepped(name, layers).state
    assert {id(parameter) for parameter in state} <= {
        id(parameter) for parameter in layers.parameters() if parameter.requires_grad
    }
    for parameter, values in state.items():
        for value in values.values():
            assert isinstance(value, torch.Tensor)
            assert value.shape in ((), parameter.shape)


@pytest.mark.parametrize("shape", [(24, 24), (8, 72), (72, 8)])
def test_muon_steps_along_a_matrix_whose_singular_values_are_alike(shape: tuple[int, int]) -> None:
    torch.manual_seed(0)
    module = nn.Linear(shape[1], shape[0])
    before = module.weight.detach().clone()
    optimizer = MuonConfig(learning_rate=0.1, weight_decay=0.0).build(module)
    left, _, right = torch.linalg.svd(torch.randn(shape), full_matrices=False)
    gradient = left @ torch.diag(torch.logspace(0, 1, min(shape))) @ right
    module.weight.grad, module.bias.grad = gradient, torch.ones(shape[0])
    optimizer.step()
    step = before - module.weight.detach()
    values = torch.linalg.svdvals(step) / (0.1 * 0.2 * max(shape) ** 0.5)
    assert values.max() < 1.25  # five iterations of Newton and Schulz come about so close to 1
    assert values.min() > 0.5
    direction = (step * (left @ right)).sum() / step.norm() / (left @ right).norm()
    assert direction > 0.95


def test_muon_leaves_what_is_no_matrix_to_adamw() -> None:
    module, other = nn.Conv2d(3, 4, 3), nn.Conv2d(3, 4, 3)
    other.load_state_dict(module.state_dict())
    for each, config in ((module, MuonConfig()), (other, AdamwConfig(learning_rate=4e-3))):
        optimizer = config.build(each)
        for parameter in each.parameters():
            parameter.grad = torch.ones_like(parameter)
        optimizer.step()
    assert torch.equal(module.weight, other.weight)
    assert torch.equal(module.bias, other.bias)


@pytest.mark.parametrize("build", [AdamwConfig, MuonConfig])
def test_only_matrices_decay(build: type[AdamwConfig] | type[MuonConfig]) -> None:
    module = nn.Sequential(nn.Linear(4, 3), nn.LayerNorm(3), nn.Linear(3, 2))
    module.scale = nn.Parameter(torch.ones(1, 5, 1))
    module[2].weight.requires_grad_(False)
    before = {name: value.clone() for name, value in module.named_parameters()}
    optimizer = build(learning_rate=0.1, weight_decay=0.5).build(module)
    for parameter in module.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    for name, value in module.named_parameters():
        factor = 1 - 0.1 * 0.5 if name == "0.weight" else 1
        torch.testing.assert_close(value, factor * before[name])


@pytest.mark.skipif(bool(find_spec("schedulefree")), reason="the package is installed")
def test_an_optimizer_whose_package_is_missing_names_it() -> None:
    with pytest.raises(ConfigError, match="schedulefree is not installed") as caught:
        ScheduleFreeConfig().build(module())
    assert "matey-fm[schedule-free]" in caught.value.remedy
