"""Axial vision transformer: who sees whom, distances without a seam, norms, published sizes."""

from dataclasses import replace

import pytest
import torch

from matey_core.errors import ConfigError, ShapeError
from matey_core.models.avit import AvitBlock, AvitConfig, AvitModel
from matey_core.nn.line_attention import LineAttention, bucket_of
from matey_core.nn.patches import PatchHead, PatchStem, to_channels, to_points
from tests.formula import batch_of, spec_of


def tiny(*, axes: int = 2, **settings: object) -> AvitModel:
    torch.manual_seed(0)
    sizes = {"width": 24, "depth": 1, "heads": 2, "patch": 4}
    config = AvitConfig.model_validate({**sizes, **settings})
    model = config.build(fields=("density", "velocity_x"), num_axes=(axes,))
    with torch.no_grad():
        model.table.leave.mul_(50)  # answers of order one, as after training
    return model.eval()


def test_a_token_reads_its_own_lines() -> None:
    torch.manual_seed(0)
    layer, x = LineAttention(8, 2), torch.randn(1, 2, 4, 5, 8, requires_grad=True)
    layer.norm = layer.mixed_norm = torch.nn.Identity()  # type: ignore[assignment]
    layer(x, {2: False, 3: True})[0, 1, 2, 3].sum().backward()
    assert x.grad is not None
    reached = x.grad.abs().sum(-1)[0] > 0
    expected = torch.zeros(2, 4, 5, dtype=torch.bool)
    expected[1, 2], expected[1, :, 3] = True, True
    assert torch.equal(reached, expected)


def test_attention_is_the_formula_that_it_states() -> None:
    torch.manual_seed(0)
    layer, x = LineAttention(4, 1), torch.randn(1, 3, 2, 4)
    torch.nn.init.normal_(layer.distance.weight)
    lines = layer.norm(x)[0, :, 0] @ layer.qkv.weight.T + layer.qkv.bias
    q, k, v = lines.chunk(3, dim=-1)
    q, k = (part - part.mean(-1, keepdim=True) for part in (q, k))
    q, k = (part / (part.var(-1, correction=0, keepdim=True) + 1e-5).sqrt() for part in (q, k))
    bias = layer.distance.weight[:, 0]
    scores = torch.stack(
        [
            torch.stack([q[i] @ k[j] / 2 + bias[abs(j - i) + 16 * (j > i)] for j in range(3)])
            for i in range(3)
        ]
    )
    first = scores.softmax(1) @ v
    mixed = layer.mixed_norm.weight * first
    found = []
    layer.mixed_norm.register_forward_hook(lambda _, inputs, __: found.append(inputs[0]))
    layer(x, {1: False})
    torch.testing.assert_close(found[0][0, :, 0], mixed, rtol=1e-4, atol=1e-5)


def test_near_distances_have_a_bucket_each_and_far_ones_share() -> None:
    buckets = bucket_of(torch.tensor([0, -1, -7, 1, 7, 8, 9, 11, 31, 32, 1000, -1000])).tolist()
    assert buckets == [0, 1, 7, 17, 23, 24, 24, 25, 31, 31, 31, 15]


@pytest.mark.parametrize("shape", [(32,), (16, 24), (8, 4, 12)])
def test_a_shift_by_a_patch_shifts_the_answer(shape: tuple[int, ...]) -> None:
    model, batch = tiny(axes=len(shape)), batch_of(spec_of(shape))
    axes = tuple(range(-len(shape), 0))
    answers = {}
    for by in (0, 1, 4):
        moved = replace(batch, history=batch.history.roll((by,) * len(shape), axes))
        with torch.no_grad():
            answers[by] = model(moved).values.roll((-by,) * len(shape), axes)
    size = (answers[0] - batch.history[:, -1:]).std()
    assert size > 0.1
    assert (answers[4] - answers[0]).abs().max() < 2e-5 * size
    assert (answers[1] - answers[0]).std() > 0.01 * size


def test_time_is_read_by_relative_distance_for_any_history() -> None:
    model = tiny()
    for frames in (1, 5, 40):
        batch = batch_of(spec_of((8, 8)), frames=frames)
        assert model(batch).values.isfinite().all()


@pytest.mark.parametrize("shape", [(12,), (8, 4), (4, 8, 12)])
def test_blocks_of_points_become_channels_and_points_again(shape: tuple[int, ...]) -> None:
    x = torch.randn(2, *shape, 3)
    blocks = to_channels(x, 4)
    assert blocks.shape == (2, *(n // 4 for n in shape), 3 * 4 ** len(shape))
    corner = (0, *(slice(4) for _ in shape))
    assert torch.equal(blocks[(0, *(0 for _ in shape))], x[corner].flatten())
    assert torch.equal(to_points(blocks, 4), x)


@pytest.mark.parametrize("axes", [1, 2])
def test_a_stage_is_a_convolution_with_steps_of_its_size(axes: int) -> None:
    torch.manual_seed(0)
    stem, head = PatchStem((3, 5), (2,)), PatchHead((5, 3), (2,))
    for part in (stem, head):
        part.add_axes(axes)
    x = torch.randn(2, *(8, 6)[:axes], 3)
    convolve = (torch.conv1d, torch.conv2d)[axes - 1]
    back = (torch.conv_transpose1d, torch.conv_transpose2d)[axes - 1]
    (down,), (up,) = stem.maps[str(axes)], head.maps[str(axes)]  # type: ignore[misc]
    kernel = down.weight.view(5, *(2,) * axes, 3).movedim(-1, 1)
    expected = convolve(x.movedim(-1, 1), kernel, down.bias, stride=2).movedim(1, -1)
    torch.testing.assert_close(stem(x), expected)
    kernel = up.weight.T.reshape(5, *(2,) * axes, 3).movedim(-1, 1)
    spread = up.bias.view(*(2,) * axes, 3).movedim(-1, 0).repeat(1, *expected.shape[1:-1])
    answer = back(expected.movedim(-1, 1), kernel, stride=2) + spread
    torch.testing.assert_close(head(expected), answer.movedim(1, -1))


def test_a_grid_smaller_than_a_patch_is_refused() -> None:
    with pytest.raises(ShapeError, match="patch of 4 points does not fit a grid of 3×8") as caught:
        tiny()(batch_of(spec_of((3, 8))))
    assert "model.patch=3" in caught.value.remedy


@pytest.mark.parametrize(("width", "remedy"), [(26, 28), (30, 36)])
def test_a_width_that_cannot_be_shared_out_is_refused(width: int, remedy: int) -> None:
    heads = 2 if width == 26 else 3
    with pytest.raises(ConfigError, match=f"model.width = {width}") as caught:
        tiny(width=width, heads=heads)
    assert caught.value.remedy == f"Set model.width={remedy}."


@pytest.mark.parametrize(
    ("preset", "published", "allowed"),
    [("ti", 7.6e6, 0.04), ("s", 29e6, 0.02), ("b", 116e6, 0.01), ("l", 409e6, 0.01)],
)
def test_published_sizes(preset: str, published: float, allowed: float) -> None:
    """The paper's table, in patches of 16 with its 12 fields in 2D.

    A block has 16 d² weights, as the paper's. Beside them ours has the lead time (d² + 36 d) and
    as many channels of points behind the head as before the stem (d²).
    """
    with torch.device("meta"):
        model = AvitConfig(preset=preset, patch=16).build(  # type: ignore[arg-type]
            fields=tuple("abcdefghijkl"), num_axes=(2,)
        )
        width, _, heads = model.config.sizes  # type: ignore[attr-defined]
        block = sum(weight.numel() for weight in AvitBlock(width, heads).parameters())
    assert block == pytest.approx(16 * width**2, rel=0.011)
    total = sum(weight.numel() for weight in model.parameters())
    assert total == pytest.approx(published, rel=allowed)
