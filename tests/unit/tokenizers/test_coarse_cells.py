"""Which part of a ladder of patch sizes serves a grid, so that samples cost alike."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from matey_core.errors import ConfigError, ShapeError
from matey_core.nn.shift import Shift
from matey_core.tokenizers import TOKENIZERS, TokenizerConfig, grow, num_tokens
from tests.formula import batch_of, spec_of, tiny_model

LADDER = (32, 16, 8, 4)


def config_of(**changes: object) -> TokenizerConfig:
    values: dict[str, object] = {"patch": LADDER, "coarse_cells": 64, "tokens": 100}
    return TokenizerConfig.model_validate(values | changes)


@pytest.mark.parametrize(
    ("shape", "part"),
    [
        ((1024,), (16, 8, 4)),
        ((100,), (8, 4)),
        ((64, 64), (8, 4)),
        ((128, 128), (16, 8, 4)),
        ((128, 256), (32, 16, 8, 4)),
        ((64, 64, 64), (16, 8, 4)),
        ((16, 16), (8, 4)),
        ((60, 70), (16, 8, 4)),  # 8 · 9 cells of 8 points are too many
    ],
)
def test_each_grid_begins_where_its_cells_come_nearest(
    shape: tuple[int, ...], part: tuple[int, ...]
) -> None:
    settled = config_of().on(shape)
    assert settled.patch == part
    assert settled.coarse_cells is None
    # Uniform cells may be of the ladder's last size as well, which adaptive ones go down to.
    sides = [side for side in LADDER if math.prod(-(-n // side) for n in shape) <= 64]
    fitting = [side for side in sides if side <= min(shape)]
    assert config_of(name="uniform", tokens=None).on(shape).patch == (min(fitting),)


def test_uniform_cells_are_of_the_nearest_size_down_to_the_finest() -> None:
    uniform = config_of(name="uniform", tokens=None)
    assert uniform.levels == LADDER
    assert uniform.on((64, 64)).levels == (8,)
    assert uniform.on((100,)).levels == (4,)
    assert uniform.on((32, 32)).levels == (4,)


@given(
    shape=st.lists(st.integers(4, 70), min_size=1, max_size=3).map(tuple),
    allowed=st.integers(1, 300),
    name=st.sampled_from(("uniform", "adap_mix", "adap_mul")),
)
def test_never_more_cells_and_never_fewer_than_needed(
    shape: tuple[int, ...], allowed: int, name: str
) -> None:
    config = config_of(name=name, coarse_cells=allowed, tokens=None)
    choices = LADDER if name == "uniform" else LADDER[:-1]
    fitting = {
        side: math.prod(-(-n // side) for n in shape) for side in choices if side <= min(shape)
    }
    try:
        chosen = config.on(shape).patch[0]
    except ConfigError:
        assert all(count > allowed for count in (fitting or {0: allowed + 1}).values())
        return
    if fitting:
        assert fitting[chosen] <= allowed
        assert all(count > allowed for side, count in fitting.items() if side < chosen)


def test_too_many_coarsest_cells_are_refused_with_their_number() -> None:
    with pytest.raises(ConfigError, match=r"32 points are 128 on a grid of 256×512, more than"):
        config_of().on((256, 512))
    with pytest.raises(ShapeError, match="patch of 8 points does not fit"):
        grow(config_of(tokens=None), torch.randn(1, 2, 1, 6, 6), periodic=(True, True))


def test_uniform_cells_beyond_the_tokens_allowed_are_refused() -> None:
    config = TokenizerConfig(name="uniform", patch=(4,), tokens=63)
    with pytest.raises(ConfigError, match="are 64 on a grid of 32×32, more than the 63 tokens"):
        config.on((32, 32))
    assert config.on((31, 28)) == config


def test_uniform_cells_are_counted_where_a_shift_makes_most_of_them() -> None:
    config = TokenizerConfig(name="uniform", patch=(8,), tokens=16)
    history = torch.randn(1, 1, 1, 32, 32, generator=torch.Generator().manual_seed(0))

    def tokens(points: int, *, allowed: int, wraps: bool) -> int:
        periodic = (wraps, wraps)
        shift = Shift.of((points, points), shape=(32, 32), periodic=periodic, side=8)
        tree = grow(config.with_tokens(allowed), history, periodic=periodic, shift=shift)
        return int(num_tokens(TOKENIZERS["uniform"](tree))[0])

    assert tokens(7, allowed=16, wraps=True) == 16
    assert tokens(7, allowed=25, wraps=False) == 25
    for points in (0, 7):  # the same answer in every step, whatever it draws
        with pytest.raises(ConfigError, match="are 25 on a grid of 32×32 once they are shifted"):
            tokens(points, allowed=16, wraps=False)


@pytest.mark.parametrize("name", ["uniform", "adap_mul"])
def test_parents_that_stay_are_refused_where_there_are_none(name: str) -> None:
    with pytest.raises(ValidationError, match=f"is for adap_mix alone, not for {name}"):
        TokenizerConfig(name=name, patch=(8, 4), keep_parents=True)


@pytest.mark.parametrize("name", ["uniform", "adap_mix", "adap_mul"])
@torch.no_grad()
def test_a_mixture_of_grids_costs_alike(name: str) -> None:
    shapes = ((256,), (32, 32), (16, 16, 16))
    settings = {"name": name, "patch": (16, 8, 4), "gamma": None, "coarse_cells": 16}
    if name != "uniform":
        settings["tokens"] = 64
    model = tiny_model(**settings)
    counts = []
    for shape in shapes:
        batch = batch_of(spec_of(shape), samples=2)
        counts += model.count_tokens(batch).tolist()
        tree = grow(model.config.tokenizer, batch.history, periodic=(True,) * len(shape))
        passes = TOKENIZERS[name](tree)
        assert num_tokens(passes).tolist() == counts[-2:]
        assert model(batch).values.shape == batch.targets.shape  # type: ignore[union-attr]
    # In 1D 16 cells of 16 points, in 2D of 8, and in 3D 8 of 8, because 64 of 4 are too many.
    expected = {"uniform": [16, 16, 8], "adap_mix": [64, 64, 64], "adap_mul": [64, 64, 64]}
    assert counts == [count for count in expected[name] for _ in range(2)]


def test_a_part_of_the_ladder_predicts_as_a_model_built_for_it() -> None:
    ladder = tiny_model(patch=(16, 8, 4), gamma=None, ratio=0.5, coarse_cells=16)
    part = tiny_model(patch=(8, 4), gamma=None, ratio=0.5)
    weights = ladder.state_dict()
    part.load_state_dict({name: weights[name] for name in part.state_dict()})
    batch = batch_of(spec_of((32, 32)))
    with torch.no_grad():
        torch.testing.assert_close(ladder(batch).values, part(batch).values, rtol=0, atol=1e-6)
