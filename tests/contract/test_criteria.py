"""Every criterion scores cells by detail alone, sample by sample."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from jaxtyping import Float
from torch import Tensor

from matey_core.criteria import CRITERIA, History, parts_of, scores_of
from matey_core.errors import ConfigError
from matey_core.nn.scale import Scale
from matey_core.tokenizers import TokenizerConfig, grow

SHAPES = ((32,), (16, 24), (8, 8, 16))
BLIND = {"random", "learned"}
"""Criteria that do not look for detail: a lot, and whatever a model has learned."""
SEEING = [name for name in CRITERIA.names() if name not in BLIND]


def of_spread(history: History, patch: tuple[int, ...]) -> Float[Tensor, "b ..."]:
    """Stand in for what a model has learned."""
    return history.cells(patch).std(-1).mean(-1)


def history(shape: tuple[int, ...], samples: int = 3, frames: int = 2) -> History:
    generator = torch.Generator().manual_seed(len(shape))
    values = torch.randn(samples, frames, 2, *shape, generator=generator)
    return History(values=values, std=torch.ones(samples, 2), estimate=of_spread)


@pytest.mark.parametrize("frames", [1, 2, 4])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", [*CRITERIA.names(), "gradient+innovation"])
def test_a_score_is_finite_non_negative_and_one_a_cell(
    name: str, shape: tuple[int, ...], frames: int
) -> None:
    one = history(shape, frames=frames)
    for side in (8, 4, 2):
        scores = scores_of(name, one, (side,) * len(shape))
        assert scores.shape == (3, *(n // side for n in shape))
        assert (scores >= 0).all()
        assert scores.isfinite().all()
        assert scores.unique().numel() > 1


@pytest.mark.parametrize("name", SEEING)
def test_adding_a_constant_changes_no_score(name: str) -> None:
    one = history((16, 24))
    moved = replace(one, values=one.values + 3.0)
    scores = (CRITERIA[name](each, (8, 8)) for each in (one, moved))
    torch.testing.assert_close(*scores, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", [name for name in SEEING if name != "raw_variance"])
@pytest.mark.parametrize("shape", SHAPES)
def test_units_change_no_choice(name: str, shape: tuple[int, ...]) -> None:
    physical = history(shape).values
    space = (1,) * len(shape)
    factor, offset = (torch.tensor(pair).reshape(2, *space) for pair in ([1e-6, 3e4], [2.0, -50.0]))
    scores = []
    for values in (physical, physical * factor + offset * factor):
        scale = Scale.of(values)
        one = History(values=scale.normalize(values), std=scale.std)
        scores.append(CRITERIA[name](one, (8,) * len(shape)))
    torch.testing.assert_close(*scores, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", [*CRITERIA.names(), "variance+innovation"])
def test_other_samples_do_not_matter(name: str) -> None:
    both = history((16, 24))
    alone = replace(both, values=both.values[1:2], std=both.std[1:2])
    torch.testing.assert_close(
        scores_of(name, alone, (8, 8)), scores_of(name, both, (8, 8))[1:2], rtol=1e-6, atol=1e-7
    )


@pytest.mark.parametrize("name", SEEING)
def test_the_cell_with_all_the_detail_scores_highest_and_flat_cells_zero(name: str) -> None:
    values = torch.zeros(1, 2, 1, 16, 24)
    noise = torch.randn(8, 8, generator=torch.Generator().manual_seed(0))
    values[..., 8:, 16:] = noise
    values[:, 1, ..., 8:, 16:] *= 2
    scores = CRITERIA[name](History(values=values, std=torch.ones(1, 1)), (8, 8))
    assert scores[0].argmax() == 5
    assert scores[0].flatten()[:5].abs().max() == 0


def test_variance_is_numpys_and_raw_variance_puts_units_back() -> None:
    one = history((16, 24))
    weighted = History(values=one.values, std=torch.tensor([[1.0, 10.0]]).expand(3, -1))
    cell = one.values[1, :, :, 8:16, 0:8].transpose(0, 1).flatten(1).numpy()
    first, second = cell.var(axis=1, ddof=1)
    scores = CRITERIA["variance"](one, (8, 8)), CRITERIA["raw_variance"](weighted, (8, 8))
    assert scores[0][1, 1, 0].item() == pytest.approx((first + second) / 2, rel=1e-5)
    # In units of 16, the power of two above the largest spread.
    assert 256 * scores[1][1, 1, 0].item() == pytest.approx((first + 100 * second) / 2, rel=1e-5)


@pytest.mark.parametrize("k", [0.3, 1.0, 2.5])
def test_differences_of_a_wave_are_the_analytic_ones(k: float) -> None:
    x = torch.arange(4096.0, dtype=torch.float64)
    wave = (torch.sin(k * x) * 2**0.5)[None, None, None].float()
    one = History(values=wave, std=torch.ones(1, 1))
    symbol = 2 - 2 * np.cos(k)  # of the squared first difference, and of the second one
    first = CRITERIA["gradient"](one, (4096,)).item()
    second = CRITERIA["laplacian"](one, (4096,)).item()
    assert first == pytest.approx(symbol, rel=2e-3)
    assert second == pytest.approx(symbol**2, rel=2e-3)


def test_a_slope_has_a_gradient_and_no_high_pass_energy() -> None:
    slope = torch.arange(16.0).expand(8, 16)[None, None, None]
    one = History(values=slope, std=torch.ones(1, 1))
    assert CRITERIA["gradient"](one, (8, 8)).tolist() == [[[1.0, 1.0]]]
    assert CRITERIA["laplacian"](one, (8, 8)).tolist() == [[[0.0, 0.0]]]


def test_innovation_is_the_mean_square_of_the_last_change_only() -> None:
    values = torch.zeros(1, 3, 2, 16)
    values[0, 0] = 9.0  # an earlier change does not count
    values[0, 2, 1, 8:] = torch.arange(8.0)
    scores = CRITERIA["innovation"](History(values=values, std=torch.ones(1, 2)), (8,))
    assert scores.tolist() == [[0.0, pytest.approx(np.square(np.arange(8)).mean() / 2)]]


def test_innovation_of_one_frame_is_its_variance() -> None:
    one = history((16, 24), frames=1)
    torch.testing.assert_close(
        CRITERIA["innovation"](one, (8, 8)), CRITERIA["variance"](one, (8, 8))
    )


def test_a_lot_is_the_same_every_time_and_uses_no_generator_up() -> None:
    one, state = history((16, 24)), torch.random.get_rng_state()
    first, second = (CRITERIA["random"](one, (4, 4)) for _ in range(2))
    assert torch.equal(first, second)
    assert torch.equal(state, torch.random.get_rng_state())


def test_lots_are_uniform_and_differ_between_samples_levels_and_the_least_change() -> None:
    one = history((256, 256), samples=2)
    lots = CRITERIA["random"](one, (2, 2))
    flat = lots.flatten().double()
    assert flat.mean().item() == pytest.approx(0.5, abs=0.005)  # 3.3 standard errors
    assert flat.var().item() == pytest.approx(1 / 12, abs=0.001)
    assert flat.unique().numel() > 0.99 * flat.numel()
    nudged = one.values.clone()
    nudged[0, 0, 0, 0, 0] += 1e-6
    others = (
        lots[1],
        CRITERIA["random"](replace(one, values=nudged), (2, 2))[0],
        CRITERIA["random"](one, (4, 4))[0].repeat_interleave(2, 0).repeat_interleave(2, 1),
    )
    for other in others:
        pair = torch.stack([lots[0].flatten(), other.flatten()])
        assert abs(pair.corrcoef()[0, 1].item()) < 0.03
    neighbors = torch.stack([lots[0, :-1].flatten(), lots[0, 1:].flatten()])
    assert abs(neighbors.corrcoef()[0, 1].item()) < 0.03


def test_several_criteria_are_the_largest_of_what_each_is_to_its_mean() -> None:
    one = history((16, 24))
    parts = [CRITERIA[name](one, (8, 8)) for name in ("gradient", "innovation")]
    relative = [part / part.mean((1, 2), keepdim=True) for part in parts]
    both = scores_of("gradient+innovation", one, (8, 8))
    torch.testing.assert_close(both, torch.maximum(*relative))


def test_a_criterion_that_sees_nothing_does_not_silence_the_other() -> None:
    values = history((16, 24), frames=1).values.expand(-1, 2, -1, -1, -1)
    one = History(values=values, std=torch.ones(3, 2))
    both = scores_of("innovation + gradient", one, (8, 8))
    gradient = CRITERIA["gradient"](one, (8, 8))
    torch.testing.assert_close(both, gradient / gradient.mean((1, 2), keepdim=True))


def test_the_unknown_part_of_several_is_named() -> None:
    with pytest.raises(ConfigError, match="unknown name 'gradeint' in criteria") as error:
        parts_of("innovation+gradeint")
    assert error.value.remedy == "Did you mean 'gradient'?"


@pytest.mark.parametrize("name", ["oracle", "gradient+oracle"])
def test_nothing_is_cut_by_the_oracle(name: str) -> None:
    config = TokenizerConfig(patch=(8, 4), criterion=name, ratio=0.5)
    with pytest.raises(ConfigError, match="not known before the prediction is made") as error:
        grow(config, history((16, 24)).values, periodic=(True, True))
    assert "study criterion" in error.value.remedy


def test_learned_without_a_model_says_what_it_needs() -> None:
    with pytest.raises(ConfigError, match="trained with it"):
        CRITERIA["learned"](replace(history((16, 24)), estimate=None), (8, 8))


@pytest.mark.parametrize("name", ["random", "laplacian", "innovation", "gradient+innovation"])
def test_a_ratio_refines_the_cells_that_score_highest(name: str) -> None:
    config = TokenizerConfig(patch=(8, 4), criterion=name, ratio=0.5)
    tree = grow(config, history((16, 24)).values, periodic=(True, True))
    for scores, refined in zip(tree.scores[0], tree.refined[0], strict=True):
        assert refined.sum() == 3
        assert scores[refined].min() > scores[~refined].max()
