"""The claims of a study, checked before anything is trained and judged afterwards."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from matey_core.cells import Point, Scalar
from matey_core.errors import ConfigError
from matey_core.studies.alike import check_keys
from matey_core.studies.comparison import Comparison
from matey_core.studies.paths import is_at
from matey_core.studies.verdicts import Outcome, VerdictConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A claim, and what the study says about it."""

    rule: str
    outcome: Outcome
    sentence: str
    source: str
    level: str

    @property
    def fails(self) -> bool:
        """Whether a study fails because of it."""
        return self.level == "required" and self.outcome in ("fails", "not reached")


def check_claims(claims: Iterable[VerdictConfig], points: Sequence[Point]) -> None:
    """Refuse claims about arms, axes or places that the study does not have.

    Raises:
        ConfigError: there is one.
    """
    for number, claim in enumerate(claims):
        source = f"verdicts.{number}"
        arms = dict.fromkeys(point.arm for point in points)
        for arm in claim.arms():
            if arm not in arms:
                known = ", ".join(arms)
                raise ConfigError(
                    f"{source}: there is no arm {arm!r}; there are {known}.",
                    remedy="Name one of them.",
                )
        places = [point.at for point in points]
        axes = list(dict.fromkeys(axis for at in places for axis in at))
        check_keys(claim.at, axes, source)
        if axis := getattr(claim, "axis", ""):
            check_keys({axis: 0}, axes, source)
            _check_numbers(axis, [at for at in places if is_at(at, claim.at)], source)
        for arm in claim.arms():
            if not any(point.arm == arm and is_at(point.at, claim.at) for point in points):
                raise ConfigError(
                    f"{source}: no cell of the arm {arm!r} has the values of `at`.",
                    remedy="Change `at`, or the cells that rules.exclude leaves out.",
                )


def _check_numbers(axis: str, places: Sequence[Mapping[str, Scalar]], source: str) -> None:
    """Refuse a claim along an axis that is no line of numbers."""
    if any(isinstance(at[axis], str | bool) for at in places):
        raise ConfigError(
            f"{source}: a claim along {axis!r} needs numbers.", remedy="Name another axis."
        )


def judge(
    claims: Iterable[VerdictConfig], comparisons: Sequence[Comparison], metric: str
) -> tuple[Verdict, ...]:
    """Judge every claim where it can be judged.

    Args:
        claims: of the study.
        comparisons: what is known.
        metric: the error that decides where a claim names none.
    """
    return tuple(_judged(claim, comparisons, claim.metric or metric) for claim in claims)


def _judged(claim: VerdictConfig, comparisons: Sequence[Comparison], metric: str) -> Verdict:
    meant = [
        each
        for each in comparisons
        if is_at(each.at, claim.at) and all(each.arm(arm) for arm in claim.arms())
    ]
    known = [each for each in meant if not each.is_uninformative]
    outcome: Outcome = "uninformative"
    sentence = "every arm fails there." if meant else "no seed is complete there."
    if known:
        judgement = claim.judge(known, metric)
        outcome, sentence = judgement.outcome, judgement.sentence
        if left_out := len(meant) - len(known):
            sentence += f" Places where every arm fails are left out: {left_out}."
    return Verdict(
        rule=claim.rule,
        outcome=outcome,
        sentence=sentence,
        source=claim.source,
        level=claim.level,
    )
