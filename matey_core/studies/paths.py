"""Setting paths such as `model.width`, and the stage of a cell whose settings they name."""

import difflib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from matey_core.config import EVERY_SETTING, Config
from matey_core.errors import ConfigError
from matey_core.runs.upgrade import MOVED
from matey_core.workflows.finetune import FinetuneConfig
from matey_core.workflows.pretrain import PretrainConfig
from matey_core.workflows.rollout.settings import RolloutConfig

TRAININGS: dict[str, type[Config]] = {"pretraining": PretrainConfig, "finetuning": FinetuneConfig}
EVALUATION = "evaluation"
STAGES: dict[str, type[Config]] = {**TRAININGS, EVALUATION: RolloutConfig}

Values = dict[str, dict[str, Any]]
"""Stage → nested settings."""


def flat(table: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Paths and values of nested tables, as dotted keys in TOML make them."""
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{above}{key}.")
        else:
            yield above + key, value


def address(path: str, *, has_finetuning: bool, source: str) -> tuple[str, str]:
    """Say which stage's settings a path means, and its path there.

    Args:
        path: with the stage in front, or one that a single training has; a name that version 0.1
            had for a setting of trainings is today's.
        has_finetuning: whether cells fine-tune.
        source: where the path stands, for the error text.

    Raises:
        ConfigError: no stage has it, or both trainings have.
    """
    stages = {name: kind for name, kind in STAGES.items() if has_finetuning or name != "finetuning"}
    head, _, rest = path.partition(".")
    if path in MOVED:
        path = ".".join(MOVED[path])
        head = MOVED[head][0]
    if head in STAGES and rest:
        if head not in stages:
            raise ConfigError(
                f"{source}: {path!r} is a setting of fine-tuning, and the study has none.",
                remedy="Add a section [finetuning].",
            )
        moved = head in TRAININGS and rest in MOVED
        return head, ".".join(MOVED[rest]) if moved else rest
    holders = [name for name, kind in stages.items() if head in kind.model_fields]
    trainings = [name for name in holders if name != EVALUATION]
    if len(trainings) == 2:
        names = " or ".join(f"{name}.{path}" for name in trainings)
        raise ConfigError(
            f"{source}: {path!r} is a setting of pretraining and of fine-tuning.",
            remedy=f"Write {names}.",
        )
    if holders:
        return holders[0], path
    known = sorted({field for kind in stages.values() for field in kind.model_fields})
    near = difflib.get_close_matches(head, known, n=1)
    raise ConfigError(
        f"{source}: unknown setting {path!r}.",
        remedy=f"Did you mean {near[0]!r}?" if near else EVERY_SETTING,
    )


def is_at(place: Mapping[str, Any], at: Mapping[str, Any]) -> bool:
    """Whether a place has all the values that `at` names; of a list, one of its values."""
    return all(_is_value(place.get(axis), value) for axis, value in flat(at))


def _is_value(found: Any, asked: Any) -> bool:
    if found == text_of(asked):
        return True
    return isinstance(asked, list | tuple) and any(found == text_of(each) for each in asked)


def text_of(value: Any) -> str | int | float | bool:
    """A value of an axis as tables show it."""
    return value if isinstance(value, str | int | float | bool) else json.dumps(value)
