"""Statistics and verdicts of `matey study equal-cost`, on results made up for each outcome."""

import itertools
import math
from dataclasses import replace

import pytest

from matey_core.cells import CellResult, Equal
from matey_core.studies.comparison import Comparison
from matey_core.studies.equal_cost.costs import ArmCost
from matey_core.studies.equal_cost.verdict import EqualCostVerdict
from matey_core.studies.equal_cost.verdict import verdict_of as judged
from matey_core.studies.statistics import chance, interval_of, ratio_of
from tests.unit.studies.equal_cost import arms, compared, result

TIMES = {"uniform-16": 0.1, "uniform-8": 0.2, "uniform-4": 1.0, "small": 0.4, "large": 0.6}
"""Seconds of a step."""
LABELS = dict(zip([arm.name for arm in arms("uniform", "adap_mix-16-*")[:5]], TIMES, strict=True))


def verdict_of(
    comparison: Comparison, metric: str, seconds: dict[str, float] | None = None
) -> EqualCostVerdict:
    """Judge with costs that go with the seconds of a step."""
    times = {**TIMES, **(seconds or {})}
    costs = {
        name: ArmCost(
            arm=name,
            tokens=100 * times[label],
            flops=int(1e9 * times[label]),
            step_seconds=times[label],
            step_spread=0.0,
            parameters=1,
        )
        for name, label in LABELS.items()
    }
    return judged(comparison, metric, arms={arm.name: arm for arm in arms()}, costs=costs)


def made_up(
    errors: dict[str, tuple[float, ...]],
    *,
    equal: Equal = "seconds",
    validation: dict[str, float] | None = None,
    persistence: float = 1.0,
) -> Comparison:
    """A comparison of uniform-16, -8, -4 and two adap_mix with one error a seed each."""
    cells = {
        name: {
            1e-3: [
                result(
                    error=error,
                    validation=(validation or {}).get(label, error),
                    persistence=persistence,
                    failure="" if math.isfinite(error) else "It diverged.",
                )
                for error in errors[label]
            ]
        }
        for name, label in LABELS.items()
    }
    return compared(cells, reference="uniform-4", equal=equal)


SEEDS = {
    "uniform-16": (0.30, 0.31, 0.32),
    "uniform-8": (0.20, 0.22, 0.21),
    "uniform-4": (0.25, 0.26, 0.27),
    "small": (0.25, 0.25, 0.25),
    "large": (0.40, 0.40, 0.40),
}


def test_adaptive_tokens_win_where_they_are_better_with_every_seed() -> None:
    # Ratios by seed: 0.18/0.20 = 0.90, 0.176/0.22 = 0.80, 0.1785/0.21 = 0.85.
    verdict = verdict_of(made_up({**SEEDS, "small": (0.18, 0.176, 0.1785)}), "nrmse")
    assert verdict.outcome == "adaptive"
    assert verdict.sentence == (
        "On waves at equal seconds (60) adap_mix (16→4, 197 tokens, variance) has 15 % (10–20 %) "
        "less one-step nRMSE than the best uniform patch (8)."
    )
    assert verdict.ratio is not None
    assert verdict.ratio.values == pytest.approx((0.9, 0.8, 0.85))
    assert (verdict.adaptive, verdict.uniform) == ("adap_mix-16-4-197-variance", "uniform-8")


def test_uniform_patches_win_where_they_are_better_with_every_seed() -> None:
    # 0.25/0.20 = 1.25, 0.25/0.22 = 1.136, 0.25/0.21 = 1.190.
    verdict = verdict_of(made_up(SEEDS), "vrmse")
    assert verdict.outcome == "uniform"
    assert verdict.sentence == (
        "On waves at equal seconds (60) uniform patches of 8 win: the best adaptive arm, adap_mix "
        "(16→4, 197 tokens, variance), has 19 % (14–25 %) more one-step VRMSE."
    )


def test_seeds_that_disagree_are_no_difference() -> None:
    verdict = verdict_of(made_up({**SEEDS, "small": (0.19, 0.22, 0.231)}), "rollout")
    assert verdict.outcome == "none"
    assert verdict.sentence == (
        "On waves at equal seconds (60) there is no difference beyond the spread of seeds: "
        "adap_mix (16→4, 197 tokens, variance) has 1.00 times (0.95–1.10) the nRMSE of the rollout "
        "of the best uniform patch (8)."
    )


def test_arms_to_compare_are_chosen_on_validation_data_alone() -> None:
    """The best test error is not looked for among arms: that would reward many of them."""
    comparison = made_up(
        {**SEEDS, "small": (0.1, 0.1, 0.1)}, validation={"small": 0.5, "uniform-16": 0.1}
    )
    verdict = verdict_of(comparison, "nrmse")
    assert (verdict.adaptive, verdict.uniform) == ("adap_mix-16-4-302-variance", "uniform-16")
    assert verdict.outcome == "uniform"


def test_nothing_is_said_where_nothing_can_be() -> None:
    one = made_up({name: values[:1] for name, values in SEEDS.items()})
    assert verdict_of(one, "nrmse").sentence == (
        "On waves at equal seconds (60) nothing can be said: the spread of seeds is unknown, as "
        "only 1 is complete."
    )
    worse = verdict_of(made_up(SEEDS, persistence=0.2), "nrmse")
    assert "no arm has a smaller one-step nRMSE than repeating the last known" in worse.sentence
    lost = (math.inf,) * 3
    diverged = verdict_of(made_up({**SEEDS, "small": lost, "large": lost}), "nrmse")
    assert "training diverged with adap_mix" in diverged.sentence
    every = verdict_of(made_up(dict.fromkeys(SEEDS, lost), persistence=math.inf), "nrmse")
    assert "training diverged with" in every.sentence
    for verdict in (verdict_of(one, "nrmse"), worse, diverged, every):
        assert verdict.outcome == "uninformative"
        assert verdict.ratio is None


@pytest.mark.parametrize(
    ("equal", "changes", "name"),
    [
        ("seconds", {"uniform-8": (0.20, 0.22, math.inf)}, "uniform 8"),
        ("seconds", {"small": (0.15, math.inf, 0.15)}, "adap_mix (16→4, 197"),
        ("steps", {"uniform-4": (0.25, 0.26, math.inf)}, "uniform 4"),
        ("steps", {"small": (0.25, 0.25, math.inf)}, "adap_mix (16→4, 197"),
        ("steps", {"small": (0.25, 0.25, 0.25), "uniform-8": (0.2, 0.2, math.inf)}, "uniform 8"),
    ],
)
def test_nothing_is_said_of_an_arm_that_diverged_with_one_seed(
    equal: Equal, changes: dict[str, tuple[float, ...]], name: str
) -> None:
    """Its median is finite, and validation data of the other seeds choose it."""
    worse = {"uniform-8": (0.30, 0.30, 0.30)} if equal == "steps" else {}
    verdict = verdict_of(made_up({**SEEDS, **worse, **changes}, equal=equal), "nrmse")
    assert verdict.outcome == "uninformative"
    assert f"training diverged with {name}" in verdict.sentence
    assert "in 1 of 3 seeds" in verdict.sentence


def test_an_arm_that_diverged_and_is_not_named_changes_no_sentence() -> None:
    values = {**SEEDS, "small": (0.18, 0.176, 0.1785)}
    lost = {**values, "large": (0.4, math.inf, 0.4), "uniform-4": (0.25, 0.26, math.inf)}
    plain, other = (verdict_of(made_up(each), "nrmse") for each in (values, lost))
    assert plain.outcome == "adaptive"
    assert other == plain


def test_rollouts_that_are_infinite_are_no_divergence_and_no_figure() -> None:
    comparison = made_up(SEEDS)
    arms = tuple(
        replace(each, errors={**each.errors, "rollout": interval_of([0.2, math.inf, 0.2])})
        if each.arm == "uniform-8"
        else each
        for each in comparison.arms
    )
    verdict = verdict_of(replace(comparison, arms=arms), "rollout")
    assert verdict.outcome == "uninformative"
    assert "the nRMSE of the rollout of uniform 8 is ∞ with a seed" in verdict.sentence


def test_one_of_two_equal_arms_is_better_with_every_seed_in_a_quarter_of_cases() -> None:
    """Counted: of all orders that three seeds can have, two are of one sign."""
    orders = list(itertools.product((0.9, 1.1), repeat=3))
    outcomes = [
        verdict_of(
            made_up({**SEEDS, "uniform-8": (0.2,) * 3, "small": tuple(0.2 * r for r in order)}),
            "nrmse",
        ).outcome
        for order in orders
    ]
    decided = sum(outcome in ("adaptive", "uniform") for outcome in outcomes)
    assert decided / len(orders) == chance(3) == 0.25
    assert chance(2) == 0.5


def test_at_equal_steps_the_cheapest_arm_that_is_as_good_as_fine_patches_wins() -> None:
    # uniform-8 is 3 % worse than fine at most with no seed: 0.30/0.25 = 1.2.
    values = {**SEEDS, "uniform-8": (0.30, 0.30, 0.30), "small": (0.25, 0.27, 0.27)}
    verdict = verdict_of(made_up(values, equal="steps"), "nrmse")
    assert verdict.outcome == "adaptive"
    assert verdict.sentence == (
        "On waves at equal steps (60) adap_mix (16→4, 197 tokens, variance) has 1.00 times "
        "(1.00–1.04) the one-step nRMSE of uniform patches of 4 at 40 % of its time a step "
        "(40 % of its tokens, 40 % of its FLOPs)."
    )
    assert verdict.uniform == "uniform-4"
    assert verdict.ratio is not None
    assert verdict.ratio.values == pytest.approx((1.0, 0.27 / 0.26, 1.0))


def test_at_equal_steps_a_cheaper_uniform_patch_wins() -> None:
    values = {**SEEDS, "small": (0.25, 0.26, 0.27)}
    verdict = verdict_of(made_up(values, equal="steps"), "nrmse")
    assert (verdict.outcome, verdict.uniform) == ("uniform", "uniform-8")
    assert "uniform patches of 8 win: they have 0.80 times (0.78–0.85) the" in verdict.sentence
    assert "at 20 % of its time a step" in verdict.sentence
    # The ratio is to the patch that is named, not to the finest.
    assert verdict.ratio is not None
    assert verdict.ratio.values == pytest.approx((0.25 / 0.20, 0.26 / 0.22, 0.27 / 0.21))


def test_at_equal_steps_it_is_said_where_adaptive_tokens_do_not_reach_fine_ones() -> None:
    values = {**SEEDS, "small": (0.30, 0.31, 0.32)}
    verdict = verdict_of(made_up(values, equal="steps"), "nrmse")
    assert verdict.outcome == "uniform"
    assert "no adaptive arm comes within 3 % of uniform patches of 4 on validation data" in (
        verdict.sentence
    )
    assert "the nearest, adap_mix (16→4, 197 tokens, variance), has 1.19 times" in verdict.sentence
    # Error reached at more time a step is no gain.
    good = made_up({**SEEDS, "small": (0.2, 0.2, 0.2)}, equal="steps")
    assert "no adaptive arm comes within" in verdict_of(good, "nrmse", {"small": 1.2}).sentence


def test_at_equal_steps_arms_qualify_on_validation_data_and_win_on_test_data() -> None:
    """Many arms of which one has luck on test data would qualify there."""
    test = {**SEEDS, "uniform-8": (0.30, 0.30, 0.30), "small": (0.20, 0.20, 0.20)}
    validation = {"uniform-8": 0.3, "uniform-4": 0.2, "small": 0.3}
    lucky = verdict_of(made_up(test, equal="steps", validation=validation), "nrmse")
    assert lucky.outcome == "uniform"
    assert "no adaptive arm comes within 3 %" in lucky.sentence
    test["small"] = (0.30, 0.31, 0.32)
    validation["small"] = 0.2
    unlucky = verdict_of(made_up(test, equal="steps", validation=validation), "nrmse")
    assert (unlucky.outcome, unlucky.uniform) == ("none", "uniform-4")
    assert unlucky.sentence == (
        "On waves at equal steps (60) adap_mix (16→4, 197 tokens, variance) comes within 3 % of "
        "uniform patches of 4 on validation data, but not on test data: it has 1.19 times "
        "(1.19–1.20) the one-step nRMSE of uniform patches of 4 at 40 % of its time a step "
        "(40 % of its tokens, 40 % of its FLOPs)."
    )


def test_learning_rates_are_chosen_on_validation_data_for_each_arm() -> None:
    def seeds(validation: float, error: float) -> list[CellResult]:
        return [result(error=error, validation=validation) for _ in range(3)]

    found = compared(
        {
            "fine": {1e-3: seeds(0.2, 0.9), 2e-3: seeds(0.3, 0.1)},
            "other": {1e-3: seeds(0.2, 0.5), 2e-3: seeds(0.1, 0.6)},
        },
        reference="fine",
    )
    assert [each.learning_rate for each in found.arms] == [1e-3, 2e-3]
    assert [each.errors["nrmse"].median for each in found.arms] == [0.9, 0.6]
    assert found.arms[1].ratios["nrmse"].median == pytest.approx(0.6 / 0.9)
    assert found.arms[1].train_seconds == 5.0


def test_intervals_and_ratios_by_seed() -> None:
    above, below = interval_of([2.0, 3.0, 8.0]), interval_of([1.0, 2.0, 2.0])
    assert (above.median, above.low, above.high) == (3.0, 2.0, 8.0)
    assert ratio_of(above, below).values == (2.0, 1.5, 4.0)
    assert interval_of([1.0, math.nan]).values == (1.0, math.inf)
    assert interval_of([1.0, math.inf]).high == math.inf
    # The one that has not diverged is better; two that have are not alike, but lost.
    lost = interval_of([math.inf, math.inf, 2.0, math.inf])
    assert ratio_of(interval_of([1.0, math.inf, math.inf, 3.0]), lost).values == (
        0.0,
        math.inf,
        math.inf,
        0.0,
    )
    assert ratio_of(interval_of([1.0]), interval_of([0.0])).median == math.inf
