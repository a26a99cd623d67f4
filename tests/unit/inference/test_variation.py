"""Rollouts whose patches move, or change their size, from call to call."""

from dataclasses import replace

import pytest
import torch

from matey_core.batches import FieldBatch
from matey_core.errors import ConfigError
from matey_core.fields import Boundary
from matey_core.inference import Variation, cycle_of, rollout
from matey_core.models import Model
from matey_core.tokenizers import TokenizerConfig
from tests.formula import batch_of, spec_of, tiny_model

BATCH = batch_of(spec_of((32, 24), boundary="no_flux"))
GRID = BATCH.spec.grid
LADDER = (16, 8, 4)


def states(model: Model, variation: Variation, batch: FieldBatch = BATCH) -> torch.Tensor:
    return torch.stack(list(rollout(model, batch, steps=4, variation=variation)), dim=1)


def test_the_seed_decides_the_shifts_and_the_batch_does_not() -> None:
    model = tiny_model()
    one = states(model, Variation(jitter=1))
    assert torch.equal(one, states(model, Variation(jitter=1)))
    plain, other = states(model, Variation()), states(model, Variation(jitter=2))
    assert (one - plain).abs().amax((0, 2, 3, 4)).min() > 1e-3
    assert (one - other).abs().max() > 1e-3
    alone = states(model, Variation(jitter=1), BATCH.select(slice(1, 2)))
    torch.testing.assert_close(alone, one[1:2], rtol=1e-4, atol=1e-4)
    assert model.shift is None


def test_every_call_takes_its_own_settings_and_its_own_shift() -> None:
    model = tiny_model(patch=LADDER)
    variation = Variation(jitter=3, cycle=cycle_of(model.config.tokenizer, "ladder", GRID))
    found = states(model, variation)
    history = BATCH.history
    for call in range(4):
        batch = replace(BATCH, history=history, lead_steps=torch.ones(3, 1, dtype=torch.long))
        tokenizer = variation.cycle[call % 3]
        with (
            torch.no_grad(),
            model.retokenized(tokenizer),
            model.jittered(batch.spec.grid, seed=3, step=call),
        ):
            state = model(batch).values
        torch.testing.assert_close(found[:, call : call + 1], state, rtol=1e-4, atol=1e-4)
        history = torch.cat([history, state], dim=1)[:, 1:]
    assert model.tokenizing == model.config.tokenizer


@pytest.mark.parametrize(
    ("settings", "name", "expected"),
    [
        (
            {"patch": LADDER},
            "ladder",
            [("adap_mix", LADDER), ("adap_mix", (8, 4)), ("uniform", (4,))],
        ),
        ({"patch": (16, 8)}, "sizes", [("uniform", (16,)), ("uniform", (8,))]),
        (
            {"patch": LADDER, "name": "adap_mul"},
            "ladder",
            [("adap_mul", LADDER), ("adap_mul", (16, 8)), ("uniform", (16,))],
        ),
        (  # 48 cells of 8 points and no token to split one
            {"patch": LADDER, "tokens": 50},
            "ladder",
            [("adap_mix", LADDER), ("uniform", (8,)), ("uniform", (4,))],
        ),
        (
            {"patch": LADDER, "tokens": 80},
            "ladder",
            [("adap_mix", LADDER), ("adap_mix", (8, 4)), ("uniform", (4,))],
        ),
    ],
)
def test_a_cycle_takes_what_one_model_can_do(
    settings: dict[str, object], name: str, expected: list[tuple[str, tuple[int, ...]]]
) -> None:
    tokenizer = TokenizerConfig(**settings)  # type: ignore[arg-type]
    cycle = cycle_of(tokenizer, name, spec_of((64, 48)).grid)  # type: ignore[arg-type]
    assert [(part.name, part.patch) for part in cycle] == expected
    assert cycle[0].tokens == (tokenizer.tokens if cycle[0].name != "uniform" else None)
    model = tiny_model(**{"gamma": None, **settings})
    batch = batch_of(spec_of((64, 48)), samples=1)
    for part in cycle:
        with torch.no_grad(), model.retokenized(part):
            assert model(batch).values.isfinite().all()


@pytest.mark.parametrize(
    ("tokenizer", "name"),
    [
        (TokenizerConfig(name="uniform", patch=(8,)), "ladder"),
        (TokenizerConfig(name="uniform", patch=(8,)), "sizes"),
        (TokenizerConfig(name="adap_mul", patch=(16, 8)), "sizes"),
    ],
)
def test_one_size_that_predicts_by_itself_is_no_cycle(
    tokenizer: TokenizerConfig, name: str
) -> None:
    with pytest.raises(ConfigError, match="nothing to cycle through"):
        cycle_of(tokenizer, name, GRID)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("boundary", "moves", "expected"),
    [
        ("no_flux", False, (8, 4)),
        ("no_flux", True, (8,)),  # 81 cells of 8 points where 64 were
        ("periodic", True, (8, 4)),
    ],
)
def test_a_reduced_ladder_counts_the_cells_of_the_widest_shift(
    boundary: Boundary, moves: bool, expected: tuple[int, ...]
) -> None:
    grid = spec_of((64, 64), boundary=boundary).grid
    tokenizer = TokenizerConfig(patch=LADDER, tokens=70)
    cycle = cycle_of(tokenizer, "ladder", grid, moves=moves)
    assert [part.patch for part in cycle] == [LADDER, expected, (4,)]
    variation = Variation(jitter=0 if moves else None, cycle=cycle)
    assert variation.largest_uniform(grid) == (
        289 if (boundary, moves) == ("no_flux", True) else 256
    )
    variation.check(tiny_model(patch=LADDER), grid)


def test_a_check_finds_the_shift_that_has_no_tree() -> None:
    """64×64 points have 16, 20 or 25 cells of 16 points; 25 tokens are no tree on 20."""
    model = tiny_model(patch=LADDER, gamma=None, tokens=25)
    bounded, free = (spec_of((64, 64), boundary=b).grid for b in ("no_flux", "periodic"))
    Variation().check(model, bounded)
    Variation(jitter=0).check(model, free)
    with pytest.raises(ConfigError, match="No tree of cells has 25 tokens"):
        Variation(jitter=0).check(model, bounded)
    with pytest.raises(ConfigError, match="no stem and head for patches of 2 points"):
        Variation(cycle=(TokenizerConfig(name="uniform", patch=(2,)),)).check(model, bounded)
