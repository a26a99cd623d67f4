"""Operator transformer: linear attention, turns, places, sizes."""

import math

import pytest
import torch
from torch import Tensor

from matey_core.errors import ConfigError
from matey_core.fields import Boundary
from matey_core.models.oformer import OformerConfig, OformerModel
from matey_core.nn.linear_attention import LinearAttention, turned, turns
from tests.formula import batch_of, spec_of


def attention(width: int = 8, heads: int = 2) -> LinearAttention:
    torch.manual_seed(0)
    return LinearAttention(width, heads).requires_grad_(False)


def built(preset_or_sizes: dict[str, object], axes: int = 2) -> OformerModel:
    config = OformerConfig.model_validate(preset_or_sizes)
    return config.build(fields=("a", "b", "c", "d"), num_axes=(axes,))


def test_attention_is_the_sum_over_points_that_it_states() -> None:
    """Point by point: Σ (q · k) v / n, with standardized and turned keys."""
    layer, x, grid = attention(4, 1), torch.randn(1, 6, 4), spec_of((6,)).grid
    near = turns(grid, 4, x.device)
    q, k, v = (x[0] @ part.weight.T for part in (layer.ask, layer.keys, layer.values))
    k, v = ((part - part.mean(0)) / (part.var(0, correction=0) + 1e-5).sqrt() for part in (k, v))
    q, k = (turned(part.view(1, 1, 6, 4), near).view(6, 4) for part in (q, k))
    found = torch.stack([sum((q[i] @ k[j]) * v[j] for j in range(6)) / 6 for i in range(6)])
    expected = found @ layer.out.weight.T + layer.out.bias
    torch.testing.assert_close(layer(x, x, near)[0], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("shape", [(9,), (6, 8), (4, 3, 5)])
@pytest.mark.parametrize("boundary", ["periodic", "no_flux"])
def test_turned_points_meet_by_their_distance(shape: tuple[int, ...], boundary: Boundary) -> None:
    """Moved points are answered moved, where there are no walls."""
    layer, x = attention(24, 2), torch.randn(2, *shape, 24)
    near = turns(spec_of(shape, boundary=boundary).grid, 12, x.device)
    by, axes = tuple(range(1, 1 + len(shape))), tuple(range(1, 1 + len(shape)))
    moved = x.roll(by, axes)
    answer = layer(x.flatten(1, -2), x.flatten(1, -2), near).unflatten(1, shape).roll(by, axes)
    again = layer(moved.flatten(1, -2), moved.flatten(1, -2), near).unflatten(1, shape)
    assert torch.allclose(again, answer, rtol=1e-4, atol=1e-5) == (boundary == "periodic")


def test_a_finer_grid_has_the_same_answers_at_the_same_places() -> None:
    layer = attention(8, 2)
    answers = []
    for points in (16, 48):
        x = waves(points)
        answers.append(layer(x, x, turns(spec_of((points,)).grid, 4, x.device)))
    torch.testing.assert_close(answers[1][:, 1::3], answers[0], rtol=1e-4, atol=1e-5)


def waves(points: int) -> Tensor:
    """(1, n, 8) the three lowest waves in the middle of cells."""
    angle = 2 * math.pi * (torch.arange(points) + 0.5) / points
    numbers = 1 + torch.arange(8) % 3
    return torch.cos(angle.unsqueeze(1) * numbers + torch.arange(8)).unsqueeze(0)


def test_bfloat16_leaves_the_sums_over_points_in_float32() -> None:
    layer, x = attention(), 30 + torch.randn(1, 400, 8)
    near = turns(spec_of((400,)).grid, 4, x.device)
    with torch.autocast("cpu", torch.bfloat16):
        rough = layer(x, x, near)
    assert rough.dtype == torch.float32
    exact = layer(x, x, near)
    assert (rough - exact).norm() < 0.1 * exact.norm()


@pytest.mark.parametrize("shape", [(1,), (3,), (2, 5), (7, 1), (3, 2, 5)])
def test_the_smallest_grids_have_an_answer(shape: tuple[int, ...]) -> None:
    model = OformerConfig.tiny().build(fields=("density", "velocity_x"), num_axes=(len(shape),))
    with torch.no_grad():
        answer = model(batch_of(spec_of(shape, boundary="outflow"))).values
    assert answer.shape == (3, 1, 2, *shape)
    assert answer.isfinite().all()


def test_numbers_of_parameters_are_those_of_the_sizes() -> None:
    with torch.device("meta"):
        model = built({"preset": "ti"})
    layers = sum(weight.numel() for weight in model.layers.parameters())
    assert layers == 5 * (4 * 96**2 + 4 * 96**2 + 96 + 3 * 96)
    assert sum(weight.numel() for weight in model.parameters()) == 871_208


def test_the_size_of_a_published_comparison() -> None:
    """Zhou et al. (TMLR 2024) have 48 k at 32×2 with 2 heads, with a decoder of the same width.

    Ours has 83 k, since the decoder is twice as wide, as the paper's is. A third of that belongs
    to the wrapper: vectors of fields, stem, head, lead time and places.
    """
    with torch.device("meta"):
        model = built({"width": 32, "depth": 2, "heads": 2})
    sizes = {
        name: sum(weight.numel() for weight in part.parameters())
        for name, part in model.named_children()
    }
    network = sum(sizes[name] for name in ("layers", "query", "widen", "cross", "ahead"))
    assert sum(sizes.values()) == 83_176
    assert network == 55_936


def test_heads_that_cannot_turn_pairs_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"model.width = 20 is no multiple of 2 · 4") as caught:
        built({"width": 20, "heads": 4})
    assert caught.value.remedy == "Set model.width=24."
