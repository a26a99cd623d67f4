"""U-shaped Swin transformer: windows on any grid, norms that know the time, published sizes."""

import math

import pytest
import torch

from matey_core.errors import ConfigError, ShapeError
from matey_core.fields import Boundary
from matey_core.models.scot import ScotConfig, ScotModel
from matey_core.nn.swin import TimedNorm
from matey_core.nn.windows import WindowAttention, WindowCut
from tests.formula import batch_of, spec_of


def tiny(*, axes: int = 2, **settings: object) -> ScotModel:
    torch.manual_seed(0)
    sizes = {"width": 8, "depth": 2, "heads": 1, "levels": 3, "patch": 2, "window": 4}
    config = ScotConfig.model_validate({**sizes, **settings})
    model = config.build(fields=("density", "velocity_x"), num_axes=(axes,))
    return model.eval()


def cut_of(
    tokens: tuple[int, ...], largest: int = 4, *, shifted: bool = False, periodic: bool = True
) -> WindowCut:
    return WindowCut.of(
        tokens,
        largest,
        shifted=shifted,
        periodic=(periodic,) * len(tokens),
        device=torch.device("cpu"),
    )


def reached(attention: WindowAttention, cut: WindowCut, place: tuple[int, ...]) -> list[list[int]]:
    """Places of all tokens that one token reads."""
    x = torch.randn(2, *cut.tokens, attention.out.in_features, requires_grad=True)
    attention(x, cut)[(1, *place)].sum().backward()
    assert x.grad is not None
    assert not x.grad[0].any()
    return (x.grad[1].abs().sum(-1) > 0).nonzero().tolist()


@pytest.mark.parametrize("tokens", [(8,), (9,), (3,), (8, 6), (5, 11), (4, 9, 7), (1, 1, 13)])
@pytest.mark.parametrize("shifted", [False, True])
def test_windows_are_taken_apart_and_put_back(tokens: tuple[int, ...], shifted: bool) -> None:
    cut, x = cut_of(tokens, shifted=shifted), torch.randn(3, *tokens, 2)
    rows = cut.cut(x)
    assert rows.shape[1] == math.prod(cut.window) <= 4 ** len(tokens)
    assert len(rows) == 3 * math.prod(cut.padded) // math.prod(cut.window)
    assert torch.equal(cut.join(rows), x)


def test_windows_are_as_equal_as_can_be() -> None:
    assert [cut_of((n,), 16).window[0] for n in (7, 16, 17, 20, 33, 48)] == [7, 16, 9, 10, 11, 16]


@pytest.mark.parametrize(
    ("tokens", "shifted", "periodic", "expected"),
    [
        (8, False, True, [0, 1, 2, 3]),
        (8, True, True, [0, 1, 6, 7]),
        (8, True, False, [0, 1]),
        (7, False, True, [0, 1, 2, 3]),
        (7, True, True, [0, 1]),  # windows that do not cover the axis do not go around it
    ],
)
def test_a_token_reads_its_window(
    tokens: int, shifted: bool, periodic: bool, expected: list[int]
) -> None:
    torch.manual_seed(0)
    cut = cut_of((tokens,), shifted=shifted, periodic=periodic)
    assert reached(WindowAttention(6, 2), cut, (0,)) == [[place] for place in expected]


def test_what_continues_a_grid_is_not_read() -> None:
    torch.manual_seed(0)
    attention, cut = WindowAttention(6, 2), cut_of((7, 3))
    assert cut.padded == (8, 3)
    assert reached(attention, cut, (6, 1)) == [[y, x] for y in (4, 5, 6) for x in range(3)]


def test_attention_is_the_formula_that_it_states() -> None:
    torch.manual_seed(0)
    attention, x = WindowAttention(4, 1), torch.randn(1, 3, 4)
    q, k, v = (part(x[0]) for part in (attention.query, attention.key, attention.value))
    cosine = (q @ k.T) / (q.norm(dim=1).unsqueeze(1) * k.norm(dim=1))
    steps = torch.arange(3.0).unsqueeze(1) - torch.arange(3.0)
    places = torch.zeros(3, 3, 3)
    places[..., 0] = steps.sign() * torch.log2(1 + 8 * steps.abs() / 2) / 3
    bias = 16 * torch.sigmoid(attention.places(places)[..., 0])
    expected = attention.out((10 * cosine + bias).softmax(1) @ v)
    torch.testing.assert_close(attention(x, cut_of((3,)))[0], expected, rtol=1e-4, atol=1e-5)


def test_biases_follow_from_distances_alone() -> None:
    torch.manual_seed(0)
    bias = WindowAttention(4, 2).bias((3, 4)).view(2, 3, 4, 3, 4)
    assert torch.equal(bias[:, 0, 0, 1, 2], bias[:, 1, 1, 2, 3])
    assert not torch.allclose(bias[:, 0, 0, 1, 2], bias[:, 0, 0, 2, 1])


def test_a_norm_is_a_straight_line_in_time() -> None:
    torch.manual_seed(0)
    norm, x = TimedNorm(5), torch.randn(2, 3, 5)
    at = [norm(x, torch.full((2, 1, 1), time)) for time in (0.0, 1.0, 3.0)]
    torch.testing.assert_close(at[2] - at[0], 3 * (at[1] - at[0]), rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(at[0], torch.nn.functional.layer_norm(x, (5,)))


def test_the_lead_time_enters_by_the_clock_alone() -> None:
    model, grid = tiny(), spec_of((8, 12)).grid
    x, conditions = torch.randn(1, 8, 12, 4), torch.randn(2, 1, 4)
    with torch.no_grad():
        near, far = (model.process(x, condition, grid) for condition in conditions)
        assert (near - far).abs().max() > 1e-4
        model.clock.weight.zero_()
        near, far = (model.process(x, condition, grid) for condition in conditions)
    assert torch.equal(near, far)


@pytest.mark.parametrize("shape", [(2,), (3,), (2, 5), (7, 2), (3, 2, 5)])
@pytest.mark.parametrize("boundary", ["periodic", "outflow"])
def test_the_smallest_grids_have_an_answer(shape: tuple[int, ...], boundary: Boundary) -> None:
    with torch.no_grad():
        answer = tiny(axes=len(shape))(batch_of(spec_of(shape, boundary=boundary))).values
    assert answer.shape == (3, 1, 2, *shape)
    assert answer.isfinite().all()


def test_a_grid_smaller_than_a_patch_is_refused() -> None:
    with pytest.raises(ShapeError, match="patch of 2 points does not fit a grid of 1×8"):
        tiny()(batch_of(spec_of((1, 8))))


def test_heads_that_do_not_share_the_width_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"model.width = 20 is no multiple of model.heads = 3"):
        tiny(width=20, heads=3)


@pytest.mark.parametrize(
    ("preset", "published"), [("ti", 20.8e6), ("s", 39.9e6), ("b", 157.7e6), ("l", 629e6)]
)
def test_published_sizes(preset: str, published: float) -> None:
    """Computed from the release; the largest is the paper's own.

    Ours adds what the wrapper needs, and an input for a third axis to the networks of places
    (512 a block); it has fewer weights where fields are read. Together less than 0.2 %.
    """
    with torch.device("meta"):
        model = ScotConfig(preset=preset).build(  # type: ignore[arg-type]
            fields=tuple("abcd"), num_axes=(2,)
        )
    total = sum(weight.numel() for weight in model.parameters())
    assert total == pytest.approx(published, rel=2e-3)


def test_a_mixture_shares_all_attention() -> None:
    model = tiny(levels=2)
    before = {name for name, _ in model.named_parameters()}
    model.extend(fields=("pressure",), num_axes=(3,))
    new = {name.partition(".")[0] for name, _ in model.named_parameters() if name not in before}
    assert new == {"embed", "recover", "seams", "merging", "unmerging", "across"}
