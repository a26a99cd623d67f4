"""What a study decides for all arms, and nobody else may: budget, learning rates, seeds, tests."""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from matey_core.cells import Point
from matey_core.errors import ConfigError
from matey_core.studies.paths import STAGES, address, flat
from matey_core.studies.settings import StudyConfig

RATE = "optimizer.learning_rate"
DECIDED = ("runs", "name", "run", "out", "split", "minutes")
"""Settings that the runner decides: a study counts steps, so that its cells can be made again."""
TESTS = ("data", "store", "samples", "start", "steps", "stride", "windows")
"""Settings of a rollout that say what is predicted; by others, such as tokens, arms may differ."""


def check_sections(study: StudyConfig) -> None:
    """Refuse shared settings that the runner decides.

    Raises:
        ConfigError: there is one.
    """
    for stage in STAGES:
        for key in DECIDED:
            if key in (getattr(study, stage) or {}):
                raise ConfigError(
                    f"study {study.name}: {stage}.{key} cannot be set; the runner decides it.",
                    remedy="Remove it from the file.",
                )


def check_axes(study: StudyConfig, axes: Iterable[str]) -> None:
    """Refuse axes that the runner, the budget or the rules decide.

    Args:
        study: whose axes they are.
        axes: their paths.

    Raises:
        ConfigError: there is one, or no stage has such a setting.
    """
    last, budget = _last(study), study.budget
    rates = study.rules.learning_rates or any(arm.learning_rates for arm in study.arms.values())
    for path in axes:
        source = f"study {study.name}, axes"
        stage, rest = _address(study, path, source)
        if rest in DECIDED:
            raise ConfigError(
                f"{source}: {path!r} cannot be an axis; the runner decides it.",
                remedy="Remove it from the file.",
            )
        if stage == "pretraining" and rest != "data" and (study.finetuning or {}).get("source"):
            raise ConfigError(
                f"{source}: {path!r} has no effect, as finetuning.source names a model.",
                remedy="Leave out the source, or the axis.",
            )
        if (stage, rest) == (last, "steps") and (budget.steps or budget.seconds):
            raise ConfigError(
                f"{source}: {path!r} has no effect, as the budget decides the steps.",
                remedy="Leave out budget.steps and budget.seconds, or the axis.",
            )
        if (stage, rest) == (last, RATE) and rates:
            raise ConfigError(
                f"{source}: {path!r} has no effect, as learning_rates are tried.",
                remedy="Leave out learning_rates, or the axis.",
            )


def check_arms(study: StudyConfig, axes: Iterable[str]) -> None:
    """Refuse arms that set what all have alike, or what an axis varies.

    Args:
        study: whose arms they are.
        axes: paths of its axes.

    Raises:
        ConfigError: there is one, or no stage has such a setting.
    """
    last = _last(study)
    varied = {_address(study, path, f"study {study.name}, axes"): path for path in axes}
    for name, arm in study.arms.items():
        source = f"study {study.name}, arm {name}"
        for path, value in flat(arm.settings):
            stage, rest = _address(study, path, source)
            if (stage, rest) == ("finetuning", "steps") and value == 0:
                continue  # nothing is trained, so nothing has to be equal
            if (stage, rest) in ((last, "steps"), (last, RATE)) or rest in (*DECIDED, "seed"):
                raise ConfigError(
                    f"{source}: {path!r} cannot differ between arms.",
                    remedy="Remove it. All arms share the budget and the seeds; learning rates "
                    "to try belong in learning_rates.",
                )
            for (where, axis), written in varied.items():
                if where == stage and _overlap(axis, rest):
                    raise ConfigError(
                        f"{source}: {path!r} would replace the values of the axis {written!r}.",
                        remedy="Remove one of them.",
                    )


def check_tests(study: StudyConfig, points: Iterable[Point]) -> None:
    """Refuse arms that are tested in different ways at the same place.

    Raises:
        ConfigError: there are some.
    """
    seen: dict[tuple[Any, ...], Point] = {}
    for point in points:
        first = seen.setdefault((*point.at.items(), point.seed), point)
        for key in TESTS:
            here, there = getattr(point.evaluation, key), getattr(first.evaluation, key)
            if here != there:
                raise ConfigError(
                    f"study {study.name}: {point.arm} and {first.arm} would be tested with "
                    f"different evaluation.{key}, {here} and {there}.",
                    remedy=f"Write {key} in the section [evaluation], for all arms.",
                )


def check_keys(rule: Mapping[str, Any], known: list[str], source: str) -> None:
    """Refuse a place that names an axis that is not there.

    Raises:
        ConfigError: it does.
    """
    for key, _ in flat(rule):
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            raise ConfigError(
                f"{source}: {key!r} is not an axis; axes are {', '.join(known) or 'none'}.",
                remedy=f"Did you mean {near[0]!r}?" if near else "Name one of the axes.",
            )


def _overlap(one: str, other: str) -> bool:
    """Whether two paths name the same setting, or one is a section that holds the other."""
    return f"{one}.".startswith(f"{other}.") or f"{other}.".startswith(f"{one}.")


def _last(study: StudyConfig) -> str:
    return "pretraining" if study.finetuning is None else "finetuning"


def _address(study: StudyConfig, path: str, source: str) -> tuple[str, str]:
    return address(path, has_finetuning=study.finetuning is not None, source=source)
