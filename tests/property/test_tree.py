"""What must hold for every tree, whatever the criterion decides."""

import math

import torch
from hypothesis import assume, example, given
from hypothesis import strategies as st

from matey_core.tokenizers import TOKENIZERS, TokenizerConfig, Tree, grow, num_tokens
from matey_core.tokenizers.adap_mix import adap_mix

LEVELS = ((16, 8, 4), (12, 4), (8, 4, 2, 1), (9, 3), (5, 1))


def split_cost(coarse: tuple[int, ...], fine: tuple[int, ...]) -> int:
    """Tokens that splitting a cell adds: its pieces for itself."""
    return math.prod(coarse) // math.prod(fine) - 1


@st.composite
def trees(draw: st.DrawFn) -> Tree:
    """A tree in which every decision to refine is drawn freely."""
    sides = draw(st.sampled_from(LEVELS))
    num_axes = draw(st.integers(1, 3))
    roots = tuple(draw(st.integers(1, 3)) for _ in range(num_axes))
    shape = tuple(n * sides[0] - draw(st.integers(0, sides[0] - 1)) for n in roots)
    samples = draw(st.integers(1, 2))
    answers = draw(st.randoms(use_true_random=False))
    density = draw(st.sampled_from((0.0, 0.3, 0.7, 1.0)))
    refined = []
    for side in sides[:-1]:
        cells = (samples, *(n * (sides[0] // side) for n in roots))
        drawn = [answers.random() < density for _ in range(math.prod(cells))]
        refined.append(torch.tensor(drawn).reshape(cells))
    return Tree(
        patches=tuple((side,) * num_axes for side in sides),
        refined=tuple(refined),
        scores=(),
        roots=roots,
        shape=shape,
        samples=samples,
        device=torch.device("cpu"),
    )


@given(tree=trees())
def test_leaves_cover_every_point_exactly_once(tree: Tree) -> None:
    cover = torch.zeros(tree.samples, *tree.shape, dtype=torch.int64)
    for mask, patch in zip(tree.leaves, tree.patches, strict=True):
        for sample, *cell in mask.nonzero().tolist():
            window = tuple(slice(i * p, (i + 1) * p) for i, p in zip(cell, patch, strict=True))
            assert cover[(sample, *window)].numel() > 0, "a leaf of nothing but padding"
            cover[(sample, *window)] += 1
    assert (cover == 1).all()


@given(tree=trees())
def test_counts_add_up_to_what_refinement_adds(tree: Tree) -> None:
    expected = torch.full((tree.samples,), math.prod(tree.roots))
    for level, (coarse, fine) in enumerate(zip(tree.patches, tree.patches[1:], strict=False)):
        split = tree.existing[level] & tree.refined[level]
        cost = split_cost(coarse, fine)
        expected += cost * split.flatten(1).sum(1)
    tiles = torch.stack([mask.flatten(1).sum(1) for mask in tree.tiling]).sum(0)
    assert (tiles == expected).all()


@given(
    num_axes=st.integers(1, 3),
    splits=st.integers(0, 30),
    name=st.sampled_from(("adap_mix", "adap_mul")),
    seed=st.integers(0, 2**16),
)
def test_a_reachable_token_budget_is_met_exactly(
    num_axes: int, splits: int, name: str, seed: int
) -> None:
    shape = {1: (96,), 2: (24, 32), 3: (16, 8, 16)}[num_axes]
    roots = math.prod(n // 8 for n in shape)
    cost = 2**num_axes - (name == "adap_mix")
    budget = roots + min(splits, roots) * cost
    config = TokenizerConfig(name=name, patch=(8, 4), tokens=budget)
    history = torch.randn(2, 2, 1, *shape, generator=torch.Generator().manual_seed(seed))
    tree = grow(config, history, periodic=(False,) * num_axes)
    assert (num_tokens(TOKENIZERS[name](tree)) == budget).all()


@given(
    budget=st.integers(30, 1200),
    seed=st.integers(0, 2**16),
    levels=st.sampled_from(((16, 8, 4), (8, 4, 2, 1), (16, 8), (12, 4))),
    keep_parents=st.booleans(),
)
@example(budget=150, seed=0, levels=(16, 8, 4), keep_parents=True)
@example(budget=40, seed=0, levels=(16, 8), keep_parents=True)
@example(budget=150, seed=0, levels=(12, 4), keep_parents=True)
@example(budget=1200, seed=0, levels=(16, 8, 4), keep_parents=True)
def test_any_token_budget_is_met_exactly(
    budget: int, seed: int, levels: tuple[int, ...], keep_parents: bool
) -> None:
    history = torch.randn(2, 1, 1, 48, 48, generator=torch.Generator().manual_seed(seed))
    config = TokenizerConfig(patch=levels, tokens=budget, keep_parents=keep_parents)
    roots, *_, most = sizes = [(48 // side) ** 2 for side in levels]
    # Below this, what no split fits into may be more than the parents that could stay.
    assume(budget >= roots + (levels[0] // levels[1]) ** 4)
    tree = grow(config, history, periodic=(True, True))
    cells = adap_mix(tree)
    assert [each.count for each in cells[0].cells] == [
        int(each.mask[0].sum()) for each in cells[0].cells
    ]
    assert (num_tokens(cells) == min(budget, sum(sizes) if keep_parents else most)).all()
    assert (tree.counts().sum(1) <= min(budget, most)).all()


@given(
    budget=st.sampled_from(({"gamma": 0.3}, {"ratio": 0.4}, {"tokens": 150})),
    shape=st.sampled_from(((64, 64), (40, 56), (33, 64))),
    wraps=st.booleans(),
    seed=st.integers(0, 2**16),
)
def test_leaves_of_a_balanced_tree_differ_from_neighbors_by_one_level(
    budget: dict[str, float], shape: tuple[int, int], wraps: bool, seed: int
) -> None:
    random = torch.Generator().manual_seed(seed)
    history = torch.randn(2, 1, 1, *shape, generator=random).cumsum(-1)
    config = TokenizerConfig(patch=(16, 8, 4, 2), balanced=True, **budget)  # type: ignore[arg-type]
    tree = grow(config, history, periodic=(wraps, wraps))
    depth = torch.zeros(2, *(side * 16 for side in tree.roots), dtype=torch.long)
    for level, (mask, patch) in enumerate(zip(tree.tiling, tree.patches, strict=True)):
        fine = mask.long()
        for axis in (1, 2):
            fine = fine.repeat_interleave(patch[0], axis)
        depth += level * fine
    # Without padding, a periodic seam joins the first point and the last.
    depth = depth[:, : shape[0], : shape[1]]
    for axis in (1, 2):
        jump = (depth.roll(-1, axis) - depth).abs()
        inner = jump if wraps else jump.narrow(axis, 0, jump.shape[axis] - 1)
        assert inner.max() <= 1
    if "tokens" in budget:
        assert (num_tokens(adap_mix(tree)) <= 150).all()


@given(
    num_axes=st.integers(1, 3),
    exponent=st.integers(-30, 30),
    sign=st.sampled_from((-1.0, 1.0)),
    shift=st.integers(-64, 64),
    budget=st.sampled_from(({"gamma": 0.3}, {"ratio": 0.4}, {"tokens": 40})),
    criterion=st.sampled_from(("variance", "gradient")),
    seed=st.integers(0, 2**16),
)
def test_units_of_one_field_change_no_choice(
    num_axes: int,
    exponent: int,
    sign: float,
    shift: int,
    budget: dict[str, float],
    criterion: str,
    seed: int,
) -> None:
    # Multiples of 1/64 stay exact in float32 under these shifts and powers of two.
    shape = {1: (64,), 2: (24, 32), 3: (16, 8, 16)}[num_axes]
    generator = torch.Generator().manual_seed(seed)
    history = (torch.randn(2, 2, 2, *shape, generator=generator) * 64).round() / 64
    other = history.clone()
    other[:, :, 0] = (other[:, :, 0] + shift) * sign * 2.0**exponent
    config = TokenizerConfig(patch=(8, 4), criterion=criterion, **budget)  # type: ignore[arg-type]
    one, two = (grow(config, x, periodic=(False,) * num_axes) for x in (history, other))
    scores = one.scores[0].flatten(1)
    gaps = scores.sort(dim=1).values.diff(dim=1).min()
    edge = (scores - 0.3 * scores.amax(1, keepdim=True)).abs().min()
    if min(gaps, edge) > 1e-4:
        assert all(torch.equal(a, b) for a, b in zip(one.refined, two.refined, strict=True))
