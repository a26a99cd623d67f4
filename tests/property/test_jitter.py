"""What must hold when cells begin elsewhere than at the fields' first point."""

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import Tensor, nn

from matey_core.batches import FieldBatch
from matey_core.errors import ConfigError
from matey_core.fields import Grid
from matey_core.models import Model
from matey_core.models.matey import MateyConfig
from matey_core.models.paper import PaperConfig
from matey_core.nn.padding import crop, pad
from matey_core.nn.shift import Shift
from matey_core.tokenizers import TOKENIZERS, TokenizerConfig, Tree, num_tokens
from matey_core.tokenizers._grow import grow_normalized
from matey_core.tokenizers._layout import gather, lay_out
from tests.formula import batch_of, spec_of, tiny_model

SHAPES = ((40,), (37,), (24, 20), (17, 16), (8, 16, 12), (9, 8, 8))
BOUNDARIES = ("periodic", "no_flux")
TOKENIZERS_NAMED = ("uniform", "adap_mix", "adap_mul")

batches = st.builds(
    lambda shape, boundary, seed: batch_of(spec_of(shape, boundary=boundary), seed=seed),
    shape=st.sampled_from(SHAPES),
    boundary=st.sampled_from(BOUNDARIES),
    seed=st.integers(0, 2**16),
)
points = st.tuples(*(st.integers(0, 7),) * 3)


def shift_of(shift: tuple[int, ...], grid: Grid, side: int) -> Shift:
    points = tuple(n % side for n in shift[: grid.num_axes])
    return Shift.of(points, shape=grid.shape, periodic=grid.periodic, side=side)


class PointStem(nn.Module):
    """Hands a cell's points to the head; tokens know nothing."""

    def forward(self, cells: Tensor, table: Tensor, given: None) -> tuple[Tensor, Tensor]:
        return cells.new_zeros(*cells.shape[:2], 32), cells


class PointHead(nn.Module):
    """A function of the same point's history alone."""

    def forward(self, tokens: Tensor, cells: Tensor, table: Tensor, bias: Tensor) -> Tensor:
        known = cells[:, -1] + 0.5 * cells[:, 0].square()
        return known.narrow(1, 0, len(table)).tanh()


def pointwise(name: str) -> Model:
    # Corrections add up: where adap_mul refines everything, they do so at every point.
    everything = {"ratio": 1.0, "gamma": None} if name == "adap_mul" else {}
    model = tiny_model(name=name, **everything)
    model.stems = nn.ModuleDict({key: PointStem() for key in model.stems})  # type: ignore[union-attr,operator]
    model.heads = nn.ModuleDict({key: PointHead() for key in model.heads})  # type: ignore[union-attr,operator]
    return model


POINTWISE = {name: pointwise(name) for name in TOKENIZERS_NAMED}


@given(name=st.sampled_from(TOKENIZERS_NAMED), batch=batches, shift=points)
@torch.no_grad()
def test_what_is_local_to_a_point_is_the_same_for_all_shifts(
    name: str, batch: FieldBatch, shift: tuple[int, ...]
) -> None:
    model, grid = POINTWISE[name], batch.spec.grid
    expected = model(batch).values
    assert (expected - batch.history[:, -1:]).abs().max() > 0.1
    with model.shifted(shift_of(shift, grid, model.tokenizing.levels[0])):
        assert torch.equal(model(batch).values, expected)


@given(batch=batches, shift=points, side=st.sampled_from((4, 8)))
def test_a_shift_is_undone_exactly(batch: FieldBatch, shift: tuple[int, ...], side: int) -> None:
    grid = batch.spec.grid
    plan = shift_of(shift, grid, side)
    padded = pad(batch.history, (side,) * grid.num_axes, periodic=grid.periodic, shift=plan)
    assert tuple(padded.shape[3:]) == tuple(count * side for count in plan.cells)
    assert torch.equal(crop(padded, grid.shape, plan), batch.history)


MOVED = {
    name: MateyConfig(
        width=32,
        depth=1,
        heads=2,
        position="none",
        tokenizer=TokenizerConfig(name=name, patch=(8, 4), gamma=0.3),
    ).build(fields=("density", "velocity_x"), num_axes=(1, 2, 3))
    for name in TOKENIZERS_NAMED
}


@given(
    name=st.sampled_from(TOKENIZERS_NAMED),
    shape=st.sampled_from(((40,), (24, 16), (8, 16, 8))),
    shift=points,
    seed=st.integers(0, 2**16),
)
@torch.no_grad()
def test_on_periodic_axes_it_is_rolling_the_fields_and_rolling_back(
    name: str, shape: tuple[int, ...], shift: tuple[int, ...], seed: int
) -> None:
    model, batch = MOVED[name], batch_of(spec_of(shape), seed=seed)
    plan = shift_of(shift, batch.spec.grid, model.tokenizing.levels[0])
    by, axes = plan.points.tolist(), tuple(range(3, 3 + len(shape)))
    rolled = FieldBatch(
        spec=batch.spec, history=batch.history.roll(by, axes), lead_steps=batch.lead_steps
    )
    expected = model(rolled).values.roll([-n for n in by], axes)
    with model.shifted(plan):
        torch.testing.assert_close(model(batch).values, expected, rtol=1e-4, atol=1e-4)


def shifted_tree(batch: FieldBatch, shift: Shift, config: TokenizerConfig) -> Tree:
    return grow_normalized(
        config,
        batch.history,
        std=torch.ones(batch.history.shape[0], batch.history.shape[2]),
        periodic=batch.spec.grid.periodic,
        shift=shift,
    )


@given(name=st.sampled_from(TOKENIZERS_NAMED), batch=batches, shift=points)
def test_places_are_those_of_the_points_in_the_true_domain(
    name: str, batch: FieldBatch, shift: tuple[int, ...]
) -> None:
    grid = batch.spec.grid
    config = TokenizerConfig(name=name, patch=(8, 4), gamma=0.2)
    plan = shift_of(shift, grid, config.levels[0])
    tree = shifted_tree(batch, plan, config)
    axes = [torch.arange(n) for n in grid.shape]
    index = torch.stack(torch.meshgrid(*axes, indexing="ij")).float()[None, None]
    index = index.repeat(len(batch.history), 1, 1, *(1,) * grid.num_axes)
    padded = pad(index, tree.patches[0], periodic=grid.periodic, shift=plan)
    for cells in TOKENIZERS[name](tree):
        layout = lay_out(cells, tree.patches, grid.shape, plan)
        for group, centre in zip(layout.groups, layout.unpack(layout.places.centre), strict=True):
            inner = gather(padded, tree.patches[group.level], group)[:, 0].flatten(2)
            for axis, size in enumerate(grid.shape):
                side = tree.patches[group.level][axis]
                first, last = inner[:, axis].aminmax(dim=1)
                # Whole cells inside the domain; those across a seam hold points of both ends.
                is_whole = (last - first == side - 1) & (size > side)
                middle = (inner[:, axis].mean(1) + 0.5) / size
                torch.testing.assert_close(centre[is_whole, axis], middle[is_whole])
                if grid.periodic[axis]:
                    assert ((centre[:, axis] >= 0) & (centre[:, axis] < 1)).all()


@given(batch=batches, shift=points, levels=st.sampled_from(((8, 4), (8, 4, 2))))
def test_leaves_of_a_shifted_tree_hold_every_point_once_and_never_padding_alone(
    batch: FieldBatch, shift: tuple[int, ...], levels: tuple[int, ...]
) -> None:
    grid = batch.spec.grid
    plan = shift_of(shift, grid, 8)
    tree = shifted_tree(batch, plan, TokenizerConfig(patch=levels, gamma=0.1))
    inside = torch.ones([count * 8 for count in tree.roots])
    for axis, (size, wraps) in enumerate(zip(grid.shape, grid.periodic, strict=True)):
        index = torch.arange(inside.shape[axis]) - (0 if wraps else plan.points[axis])
        is_in = (index >= 0) & (index < size)
        inside *= is_in.reshape(-1, *(1,) * (grid.num_axes - axis - 1))
    cover = torch.zeros(len(batch.history), *inside.shape)
    for mask, patch in zip(tree.leaves, tree.patches, strict=True):
        fine = mask.float()
        points_inside = inside
        for axis, side in enumerate(patch):
            fine = fine.repeat_interleave(side, axis + 1)
            points_inside = points_inside.unflatten(2 * axis, (-1, side))
        cover += fine
        held = points_inside.sum(tuple(range(1, 2 * grid.num_axes, 2)))
        assert (held.expand_as(mask)[mask] > 0).all()
    assert (cover * inside == inside).all()


@given(
    tokens=st.integers(60, 220),
    seed=st.integers(0, 2**16),
    levels=st.sampled_from(((16, 8), (16, 8, 4), (32, 16, 8, 4), (8, 4))),
    wraps=st.booleans(),
)
def test_a_token_budget_is_met_exactly_for_all_shifts(
    tokens: int, seed: int, levels: tuple[int, ...], wraps: bool
) -> None:
    spec = spec_of((64, 48), boundary="periodic" if wraps else "no_flux")
    batch = batch_of(spec, samples=2, frames=1, seed=seed)
    config = TokenizerConfig(patch=levels, tokens=tokens)
    shift = Shift.drawn(spec.grid, levels[0], seed=seed, step=0)
    roots = shift.cells[0] * shift.cells[1]
    assume(tokens >= roots + 16)
    finest = shifted_tree(batch, shift, TokenizerConfig(patch=levels, ratio=1.0))
    tree = shifted_tree(batch, shift, config)
    most = int(num_tokens(TOKENIZERS["adap_mix"](finest))[0])
    assert (tree.counts().sum(1) <= tokens).all()
    if tokens <= most:
        assert (num_tokens(TOKENIZERS["adap_mix"](tree)) == tokens).all()


def test_a_draw_depends_on_seed_and_step_alone_and_reaches_every_shift() -> None:
    grid = spec_of((64, 32)).grid
    draws = [Shift.drawn(grid, 8, seed=1, step=step).points.tolist() for step in range(1000)]
    assert draws == [Shift.drawn(grid, 8, seed=1, step=n).points.tolist() for n in range(1000)]
    assert draws != [Shift.drawn(grid, 8, seed=2, step=n).points.tolist() for n in range(1000)]
    counts = torch.zeros(8, 8)
    for y, x in draws:
        counts[y, x] += 1
    # χ² of 64 cells with 63 degrees of freedom: 99.9 % lie below 104.
    assert ((counts - 1000 / 64) ** 2 / (1000 / 64)).sum() < 104


def test_a_shift_for_other_cells_is_refused() -> None:
    model, batch = tiny_model(), batch_of(spec_of((32,)))
    with (
        pytest.raises(ValueError, match="for cells of 4 points a side"),
        model.shifted(Shift.of((1,), shape=(32,), periodic=(True,), side=4)),
    ):
        model(batch)
    assert model.shift is None


def test_the_paper_variant_refuses() -> None:
    config = PaperConfig(width=24, depth=1, heads=2)
    model = config.build(fields=("density",), num_axes=(1,))
    with (
        pytest.raises(ConfigError, match="cannot shift its patches"),
        model.shifted(Shift.of((1,), shape=(32,), periodic=(True,), side=16)),
    ):
        pass
