"""Every criterion scores cells by detail alone, sample by sample."""

import pytest
import torch

from matey_core.criteria import CRITERIA, History

SHAPES = ((32,), (16, 24), (8, 8, 16))


def history(shape: tuple[int, ...], samples: int = 3) -> History:
    generator = torch.Generator().manual_seed(len(shape))
    values = torch.randn(samples, 2, 2, *shape, generator=generator)
    return History(values=values, std=torch.ones(samples, 2))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", CRITERIA.names())
def test_a_score_is_finite_non_negative_and_one_a_cell(name: str, shape: tuple[int, ...]) -> None:
    scores = CRITERIA[name](history(shape), (8,) * len(shape))
    assert scores.shape == (3, *(n // 8 for n in shape))
    assert (scores >= 0).all()
    assert scores.isfinite().all()


@pytest.mark.parametrize("name", CRITERIA.names())
def test_adding_a_constant_changes_no_score(name: str) -> None:
    one = history((16, 24))
    moved = History(values=one.values + 3.0, std=one.std)
    scores = (CRITERIA[name](each, (8, 8)) for each in (one, moved))
    torch.testing.assert_close(*scores, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", CRITERIA.names())
def test_other_samples_do_not_matter(name: str) -> None:
    both = history((16, 24))
    alone = History(values=both.values[1:2], std=both.std[1:2])
    torch.testing.assert_close(
        CRITERIA[name](alone, (8, 8)), CRITERIA[name](both, (8, 8))[1:2], rtol=1e-6, atol=1e-7
    )


@pytest.mark.parametrize("name", CRITERIA.names())
def test_the_cell_with_all_the_detail_scores_highest_and_flat_cells_zero(name: str) -> None:
    values = torch.zeros(1, 2, 1, 16, 24)
    values[..., 8:, 16:] = torch.randn(8, 8, generator=torch.Generator().manual_seed(0))
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
    assert scores[1][1, 1, 0].item() == pytest.approx((first + 100 * second) / 2, rel=1e-5)
