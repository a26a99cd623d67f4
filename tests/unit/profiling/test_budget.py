"""Numbers of tokens that operations and seconds buy."""

from itertools import pairwise

import pytest

from matey_core.errors import ConfigError
from matey_core.models import Inputs
from matey_core.models.matey import MateyConfig
from matey_core.profiling import BudgetSolver, quantity
from matey_core.tokenizers import TokenizerConfig


def inputs_of(*grid: int) -> Inputs:
    return Inputs(grid=grid, periodic=(True,) * len(grid), fields=2, frames=2)


def market(*stores: Inputs, scheme: str = "full", **tokenizer: object) -> BudgetSolver:
    settings = TokenizerConfig.model_validate({"patch": (16, 8, 4), **tokenizer})
    return BudgetSolver(
        MateyConfig(width=32, depth=2, heads=2, scheme=scheme, tokenizer=settings), stores
    )


def affordable(where: BudgetSolver, flops: float) -> list[int]:
    """All numbers of tokens within a budget, by trying every one of them."""
    found = []
    for tokens in range(where.fewest, where.most + 1):
        try:
            found += [tokens] if where.cost(tokens).flops <= flops else []
        except ConfigError:
            continue
    return found


@pytest.mark.parametrize("fraction", [0.0, 0.3, 0.8, 1.0])
@pytest.mark.parametrize(
    ("grid", "settings"),
    [
        ((32, 48), {}),
        ((32, 48), {"scheme": "factorized", "keep_parents": True}),
        ((32, 48), {"name": "adap_mul", "patch": (8, 4)}),
        ((32, 48), {"name": "adap_mul", "patch": (8, 4), "scheme": "axial"}),
        ((256,), {}),
        ((16, 16, 16), {"patch": (8, 4)}),
    ],
    ids=str,
)
def test_operations_buy_the_largest_number_of_tokens(
    grid: tuple[int, ...], settings: dict[str, object], fraction: float
) -> None:
    where = market(inputs_of(*grid), **settings)  # type: ignore[arg-type]
    low, high = (where.cost(n).flops for n in (where.fewest, where.reachable(where.most)))
    flops = low + fraction * (high - low)
    bought = where.for_flops(flops)
    assert bought.flops <= flops
    assert bought.tokens == where.cost(affordable(where, flops)[-1]).tokens
    config = where.config.model_copy(
        update={"tokenizer": where.config.tokenizer.with_tokens(bought.tokens)}
    )
    assert config.cost(inputs_of(*grid)).flops == bought.flops


def test_several_stores_share_the_number_that_the_dearest_allows() -> None:
    small, large = inputs_of(64), inputs_of(64, 64)
    both = market(small, large)
    flops = market(large).cost(60).flops
    assert both.for_flops(flops) == market(large).for_flops(flops)
    assert both.fewest == 16


def test_too_few_operations_are_refused_with_the_fewest_possible() -> None:
    where = market(inputs_of(64, 64))
    least = where.cost(16).flops
    with pytest.raises(ConfigError, match="the 16 coarsest cells of a grid of 64×64 take") as error:
        where.for_flops(least - 1)
    allowed = error.value.remedy.split()[1].rstrip(",")
    assert allowed.endswith("M")
    assert where.for_flops(1e6 * float(allowed[:-1])).tokens == 16


@pytest.mark.parametrize(("offset", "rate"), [(0.0, 2e-9), (0.01, 1e-9), (0.02, 0.0)])
@pytest.mark.parametrize("seconds", [0.021, 0.03, 0.1])
def test_seconds_are_met_on_a_machine_that_follows_the_fit(
    offset: float, rate: float, seconds: float
) -> None:
    where = market(inputs_of(64, 64))

    def time_of(tokens: int) -> float:
        return offset + rate * where.cost(tokens).flops

    bought = where.for_seconds(seconds, lambda numbers: [time_of(n) for n in numbers])
    best = max(n for n in affordable(where, float("inf")) if time_of(n) <= seconds)
    assert bought.seconds == time_of(bought.tokens) <= seconds
    assert bought.tokens == pytest.approx(best, abs=2)


def test_seconds_are_not_exceeded_on_a_machine_that_does_not_follow_it() -> None:
    where = market(inputs_of(64, 64))

    def time_of(tokens: int) -> float:
        return 1e-3 * (tokens / 16) ** 1.7 + (4e-3 if tokens > 100 else 0.0)

    bought = where.for_seconds(0.02, lambda numbers: [time_of(n) for n in numbers])
    assert bought.seconds == time_of(bought.tokens) <= 0.02
    assert bought.tokens >= 64
    with pytest.raises(ConfigError, match=r"5e-05 s a step are too few: .* takes 0.001 s here"):
        where.for_seconds(5e-5, lambda numbers: [time_of(n) for n in numbers])


def test_a_range_is_eight_numbers_evenly_spaced_in_their_logarithm() -> None:
    where = market(inputs_of(64, 64))
    numbers = where.spread(20, 200)
    assert len(numbers) == 8
    assert (numbers[0], numbers[-1]) == (20, 200)
    for before, after in pairwise(numbers):
        assert after / before == pytest.approx(10 ** (1 / 7), rel=0.05)
    with pytest.raises(ConfigError, match="15 tokens are fewer than the 16 coarsest cells"):
        where.spread(15, 100)


def test_numbers_between_two_splits_are_passed_over() -> None:
    where = market(inputs_of(64, 64), patch=(16, 4))  # one split adds 15
    assert where.reachable(20) == 16
    assert where.spread(18, 40)[0] == 16


def test_prefixes() -> None:
    assert [quantity(x) for x in (3.0, 2500, 4.2e6, 2.5e9)] == ["3 ", "2.5 k", "4.2 M", "2.5 G"]
