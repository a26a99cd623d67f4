"""Claims, judged on results that are made up for each outcome."""

import math
from dataclasses import replace
from typing import Any

import pytest

from matey_core.errors import ConfigError
from matey_core.studies.comparison import Comparison, compare
from matey_core.studies.judging import Verdict, check_claims, judge
from matey_core.studies.rules import RuleConfig
from matey_core.studies.statistics import interval_of, kind_of
from matey_core.studies.verdicts import VerdictConfig
from tests.unit.studies.equal_cost import result, task

FULL = {1: (0.5, 0.6, 0.7), 2: (0.3, 0.4, 0.5), 4: (0.2, 0.2, 0.2), 8: (0.1, 0.1, 0.1)}
SCRATCH = {1: (0.8, 0.8, 0.8), 2: (0.8, 0.8, 0.8), 4: (0.5, 0.5, 0.5), 8: (0.4, 0.4, 0.4)}
Errors = dict[int, tuple[float, ...]]


def made_up(full: Errors = FULL, scratch: Errors = SCRATCH) -> tuple[Comparison, ...]:
    """Two arms with 1, 2, 4 and 8 samples, one error a seed."""
    tasks, results = [], {}
    for arm, errors in (("full", full), ("scratch", scratch)):
        for number, seeds in errors.items():
            for seed, error in enumerate(seeds):
                key = f"{arm} {number} {seed}"
                plain = task(arm, 1e-3, seed, key=key)
                point = replace(plain.point, at={"n_samples": number}, equal="steps")
                tasks.append(replace(plain, point=point))
                results[key] = result(error=error, validation=error)
    return compare(tasks, results, RuleConfig(), reference="scratch")


def verdict(comparisons: tuple[Comparison, ...], **claim: Any) -> Verdict:
    settings = VerdictConfig.choose({"arm": "full", "source": "a paper", **claim})
    [found] = judge([settings], comparisons, "nrmse")
    return found


@pytest.mark.parametrize(
    ("claim", "outcome", "expected"),
    [
        ({"rule": "err", "at_most": 0.6}, "holds", "0.6 (0.5–0.7) at n_samples 1"),
        ({"rule": "err", "at_most": 0.59}, "fails", "(at most 0.59)"),
        ({"rule": "err", "at_most": 0.1, "at": {"n_samples": 8}}, "holds", "is 0.1"),
        # Seed by seed 0.5/0.8, 0.6/0.8, 0.7/0.8; with 8 samples 0.25.
        ({"rule": "ratio", "against": "scratch", "at_most": 0.76}, "holds", "0.75 (0.625–0.875)"),
        ({"rule": "ratio", "against": "scratch", "at_most": 0.74}, "fails", "(at most 0.74)"),
        ({"rule": "samples_to", "target": 0.4}, "holds", "reaches the nrmse 0.4 with 2 samples."),
        ({"rule": "samples_to", "target": 0.05}, "not reached", "does not reach the nrmse 0.05"),
        (
            {"rule": "samples_to", "target": 0.4, "against": "scratch", "at_least": 4},
            "holds",
            "with 2 samples, scratch with 8: 4 times as many.",
        ),
        (
            {"rule": "samples_to", "target": 0.4, "against": "scratch", "at_least": 5},
            "fails",
            "4 times as many",
        ),
        # The other arm does not get there with 8: at least twice as many, how many nobody knows.
        (
            {"rule": "samples_to", "target": 0.2, "against": "scratch", "at_least": 2},
            "holds",
            "with 4 samples, scratch not with 8.",
        ),
        (
            {"rule": "samples_to", "target": 0.2, "against": "scratch", "at_least": 3},
            "not reached",
            "scratch not with 8.",
        ),
        # Without a target it is what the arm has with 1 sample.
        (
            {"rule": "samples_to", "against": "scratch", "at_least": 4},
            "holds",
            "the nrmse 0.6 with 1 samples, scratch with 4",
        ),
        # Ratios are 0.75, 0.5, 0.4 and 0.25.
        (
            {"rule": "monotone", "axis": "n_samples", "against": "scratch", "direction": "rises"},
            "fails",
            "the nrmse of full over that of scratch does not rise along n_samples: 0.75 at 1",
        ),
        (
            {"rule": "monotone", "axis": "n_samples", "against": "scratch"},
            "holds",
            "falls along n_samples: 0.75 at 1, 0.5 at 2, 0.4 at 4, 0.25 at 8",
        ),
        (
            {"rule": "err", "at_most": 0.25, "at": {"n_samples": [4, 8]}},
            "holds",
            "is 0.2 (0.2–0.2) at n_samples 4, 0.1",
        ),
        # With one sample 0.5 to 0.7 and 0.8; ends of intervals decide.
        ({"rule": "apart", "against": "scratch"}, "holds", "0.6 (0.5–0.7) and 0.8 (0.8–0.8)"),
        ({"rule": "apart", "arm": "scratch", "against": "full"}, "fails", "not everywhere below"),
        (
            {"rule": "err", "metric": "last", "at_most": 0.1},
            "fails",
            "last of full is 0.6 (0.5",
        ),
        ({"rule": "monotone", "axis": "n_samples"}, "holds", "falls along n_samples: 0.6 at 1"),
        ({"rule": "monotone", "axis": "n_samples", "direction": "rises"}, "fails", "does not rise"),
    ],
)
def test_rules(claim: dict[str, Any], outcome: str, expected: str) -> None:
    found = verdict(made_up(), **claim)
    assert (found.outcome, found.source, found.level) == (outcome, "a paper", "directional")
    assert expected in found.sentence


def test_every_line_along_an_axis_must_hold() -> None:
    near = [replace(each, at={"data": "near", **each.at}) for each in made_up()]
    far = [replace(each, at={"data": "far", **each.at}) for each in made_up(SCRATCH, FULL)]
    claim = {"rule": "samples_to", "target": 0.4, "against": "scratch", "at_least": 4}
    found = verdict((*near, *far), **claim)
    assert found.outcome == "fails"
    assert "near: full reaches the nrmse 0.4 with 2 samples, scratch with 8" in found.sentence
    assert "far: full reaches the nrmse 0.4 with 8 samples, scratch with 2" in found.sentence
    assert verdict((*near, *near), **claim).outcome == "holds"


def test_what_goes_the_wrong_way_a_little_is_within_tolerance() -> None:
    wavy = {1: (0.5,), 2: (0.52,), 4: (0.3,)}
    comparisons = made_up(wavy, wavy)
    rule = {"rule": "monotone", "axis": "n_samples"}
    assert verdict(comparisons, **rule).outcome == "holds"
    assert verdict(comparisons, **rule, tolerance=0.03).outcome == "fails"


def test_what_stays_as_it_is_does_not_fall() -> None:
    flat = {1: (0.5,), 2: (0.49,), 4: (0.5,)}
    found = verdict(made_up(flat, flat), rule="monotone", axis="n_samples")
    assert found.outcome == "fails"
    assert "does not fall along n_samples" in found.sentence


def test_places_where_every_arm_fails_are_uninformative() -> None:
    bad = {1: (0.95, 0.97, math.inf)}
    alone = verdict(made_up(bad, bad), rule="err", at_most=99.0)
    assert (alone.outcome, alone.fails) == ("uninformative", False)
    # With one arm that works the place counts, and with another place the claim is judged there.
    assert verdict(made_up(bad, {1: (0.5,) * 3}), rule="err", at_most=0.96).outcome == "fails"
    both = verdict(made_up({**FULL, **bad}, {**SCRATCH, **bad}), rule="err", at_most=0.5)
    assert both.outcome == "holds"
    assert "Places where every arm fails are left out: 1." in both.sentence


def test_a_required_claim_fails_a_study() -> None:
    claim = {"rule": "err", "at_most": 0.1}
    assert verdict(made_up(), **claim, level="required").fails
    assert not verdict(made_up(), **claim).fails
    assert verdict((), **claim, level="required").outcome == "uninformative"


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        ({"rule": "err", "arm": "ful", "at_most": 1.0}, "there is no arm 'ful'"),
        ({"rule": "err", "at": {"n_sample": 1}, "at_most": 1.0}, "'n_sample' is not an axis"),
        ({"rule": "err", "at": {"n_samples": 3}, "at_most": 1.0}, "no cell of the arm 'full'"),
        ({"rule": "monotone", "axis": "depth"}, "'depth' is not an axis"),
        ({"rule": "monotone", "axis": "model"}, "needs numbers"),
    ],
)
def test_claims_about_nothing_are_refused(claim: dict[str, Any], expected: str) -> None:
    points = [
        replace(task("full", 1e-3, 0, key="k").point, at={"n_samples": 1, "model": "wide"}),
        replace(task("full", 1e-3, 0, key="k").point, at={"n_samples": 2, "model": "wide"}),
    ]
    settings = VerdictConfig.choose({"arm": "full", "source": "a paper", **claim})
    with pytest.raises(ConfigError, match=expected):
        check_claims([settings], points)


def test_intervals_are_the_range_of_few_seeds_and_a_bootstrap_of_more() -> None:
    assert [kind_of("auto", seeds) for seeds in (1, 4, 5)] == ["range", "range", "bootstrap"]
    values = [float(number) for number in range(1, 10)]
    assert (interval_of(values).low, interval_of(values).high) == (1.0, 9.0)
    found = interval_of(values, "bootstrap")
    assert found.median == 5.0
    # The median of nine drawn again is 2 or less with P(Bin(9, 2/9) ≥ 5) = 3.0 %, and 1 or less
    # with 0.14 %: 2.5 % of them lie at 2, or before; above likewise.
    assert (found.low, found.high) == (2.0, 8.0)
    assert interval_of(values, "bootstrap") == found
