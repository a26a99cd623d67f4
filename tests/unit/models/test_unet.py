"""U-Net: symmetries, walls, changes of resolution, grids of any size."""

from dataclasses import replace

import pytest
import torch

from matey_core.errors import ConfigError
from matey_core.fields import Boundary
from matey_core.models.unet import ConvNextBlock, UnetConfig, UnetModel
from matey_core.nn.padding import surround
from matey_core.nn.resolution import Doubling, Halving
from tests.formula import batch_of, spec_of


def tiny(*, axes: int = 2, **settings: object) -> UnetModel:
    torch.manual_seed(0)
    sizes = {"width": 8, "depth": 1, "levels": 3, "kernel_size": 3}
    config = UnetConfig.model_validate({**sizes, **settings})
    model = config.build(fields=("density", "velocity_x"), num_axes=(axes,))
    with torch.no_grad():
        model.table.leave.mul_(50)  # answers of order one, as after training
    return model.eval()


@pytest.mark.parametrize("shape", [(32,), (16, 24), (8, 4, 12)])
def test_a_shift_by_the_coarsest_cells_shifts_the_answer(shape: tuple[int, ...]) -> None:
    model, batch = tiny(axes=len(shape)), batch_of(spec_of(shape))
    axes = tuple(range(-len(shape), 0))
    answers = {}
    for by in (0, 1, 4, 8):
        moved = replace(batch, history=batch.history.roll((by,) * len(shape), axes))
        with torch.no_grad():
            answers[by] = model(moved).values.roll((-by,) * len(shape), axes)
    size = (answers[0] - batch.history[:, -1:]).std()
    assert size > 0.1
    for by in (4, 8):
        assert (answers[by] - answers[0]).std() < 1e-5 * size
    assert (answers[1] - answers[0]).std() > 0.01 * size


def test_a_block_is_the_formula_that_it_states() -> None:
    """With a depthwise convolution that is summed up shift by shift."""
    block = ConvNextBlock(4, UnetConfig(kernel_size=3), condition=6)
    block.add_axes(2)
    for weight in block.film.parameters():
        torch.nn.init.normal_(weight)
    x, condition = torch.randn(2, 7, 6, 4), torch.randn(2, 6)
    kernel = block.kernels["2"]
    seen = sum(
        kernel[:, 0, i, j] * x.roll((1 - i, 1 - j), (1, 2)) for i in range(3) for j in range(3)
    )
    spread = (seen.var(-1, correction=0, keepdim=True) + 1e-5).sqrt()
    seen = (seen - seen.mean(-1, keepdim=True)) / spread
    film = condition @ block.film.weight.T + block.film.bias
    seen = seen * (1 + film[:, None, None, :4]) + film[:, None, None, 4:]
    inner = seen @ block.enter.weight.T + block.enter.bias
    inner = inner * (1 + torch.erf(inner / 2**0.5)) / 2
    expected = x + inner @ block.leave.weight.T + block.leave.bias
    torch.testing.assert_close(block(x, condition, (True, True)), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("boundary", ["periodic", "no_slip"])
def test_a_wall_ends_what_a_point_sees(boundary: Boundary) -> None:
    """Two levels of 3-wide convolutions see 10 points at most: not the far end, but around."""
    grid = spec_of((40, 8), boundary=boundary).grid
    model = tiny(levels=2)
    x = torch.randn(1, *grid.shape, 8, requires_grad=True)
    model.process(x, torch.zeros(1, 8), grid)[:, 0].square().sum().backward()
    assert x.grad is not None
    reached = x.grad.abs().amax((0, 2, 3)) > 0
    assert reached[:4].all()
    assert not reached[10:30].any()
    assert bool(reached[30:].any()) == (boundary == "periodic")


def test_an_odd_axis_differs_from_an_even_one_at_its_seam_only() -> None:
    """Fields that do not vary along an axis: rows away from the last are those of 16 rows."""
    model, batch = tiny(levels=2), batch_of(spec_of((1, 19)))
    answers = {}
    for rows in (9, 16):
        history = batch.history.expand(-1, -1, -1, rows, -1)
        with torch.no_grad():
            repeated = replace(batch, spec=spec_of((rows, 19)), history=history, targets=None)
            answers[rows] = model(repeated).values
    inside = slice(1, 8)
    size = answers[16].std()
    assert (answers[9][..., inside, :] - answers[16][..., inside, :]).abs().max() < 1e-5 * size
    assert (answers[9][..., 8, :] - answers[16][..., 8, :]).std() < 0.5 * size


@pytest.mark.parametrize("shape", [(1,), (3,), (2, 5), (7, 1), (3, 2, 5)])
@pytest.mark.parametrize("boundary", ["periodic", "outflow"])
def test_the_smallest_grids_have_an_answer(shape: tuple[int, ...], boundary: Boundary) -> None:
    batch = batch_of(spec_of(shape, boundary=boundary))
    with torch.no_grad():
        answer = tiny(axes=len(shape), levels=4, kernel_size=7)(batch).values
    assert answer.shape == (3, 1, 2, *shape)
    assert answer.isfinite().all()


@pytest.mark.parametrize("corner", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_corners_are_taken_apart_and_put_back_in_place(corner: tuple[int, int]) -> None:
    """One corner's channels go down by a known map, and up by another to the same corner."""
    halving, doubling, fine = Halving(2), Doubling(2), torch.randn(1, 6, 8, 2)
    halving.add_axes(2)
    doubling.add_axes(2)
    doubling.norm = torch.nn.Identity()  # type: ignore[assignment]
    number = 2 * corner[0] + corner[1]
    with torch.no_grad():
        for linear in (halving.maps["2"], doubling.maps["2"], doubling.join):
            linear.weight.zero_()  # type: ignore[operator, union-attr]
            linear.bias.zero_()  # type: ignore[operator, union-attr]
        for channel in range(2):
            halving.maps["2"].weight[channel, 2 * number + channel] = 1.0  # type: ignore[index]
            doubling.maps["2"].weight[2 * number + channel, channel] = 1.0  # type: ignore[index]
            doubling.join.weight[channel, 2 + channel] = 1.0
        coarse = halving(fine, (True, True))
        again = doubling(coarse, fine)
        taken = halving.norm(fine)[:, corner[0] :: 2, corner[1] :: 2]
    assert torch.equal(coarse[..., :2], taken)
    assert torch.equal(again[:, corner[0] :: 2, corner[1] :: 2], taken)
    torch.testing.assert_close(again.square().sum(), taken.square().sum())


def test_axes_are_continued_as_the_boundary_says() -> None:
    x = torch.arange(6.0).reshape(1, 1, 2, 3)
    rows = surround(x, 3, periodic=(True, False))[0, 0]
    assert rows[:, 3].tolist() == [3, 0, 3, 0, 3, 0, 3, 0]
    assert rows[3].tolist() == [0, 0, 0, 0, 1, 2, 2, 2, 2]


def test_numbers_of_parameters_are_those_of_the_sizes() -> None:
    with torch.device("meta"):
        model = UnetConfig(preset="ti").build(fields=("a", "b", "c", "d"), num_axes=(2,))
    mlps = sum(weight.numel() for name, weight in model.named_parameters() if "enter.w" in name)
    assert mlps == 4 * (2 * 32**2 + 2 * 64**2 + 2 * 128**2 + 256**2) + 64 * 32
    assert sum(weight.numel() for weight in model.parameters()) == 1_357_256


def test_even_kernels_are_refused() -> None:
    with pytest.raises(ValueError, match="odd"):
        UnetConfig(kernel_size=4)


def test_a_longer_history_than_the_model_reads_is_refused() -> None:
    with pytest.raises(ConfigError, match="3 frames; the model reads 2"):
        tiny(frames=2)(batch_of(spec_of((16, 12))))


def test_a_mixture_shares_all_but_convolutions_and_changes_of_resolution() -> None:
    model = tiny(levels=2)
    before = {name for name, _ in model.named_parameters()}
    model.extend(fields=("pressure",), num_axes=(3,))
    new = {name for name, _ in model.named_parameters()} - before
    maps = {
        f"{part}.0.maps.3.{kind}"
        for part in ("halvings", "doublings")
        for kind in ("weight", "bias")
    }
    assert new == {f"{stage}.kernels.3" for stage in ("down.0.0", "down.1.0", "up.0.0")} | maps
