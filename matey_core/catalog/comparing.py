"""Runs next to each other: settings that differ, and scores."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matey_core.catalog.listing import find_run
from matey_core.catalog.run import RunRecord, read_run
from matey_core.config import validate
from matey_core.errors import CheckpointError, ConfigError, MateyError

PLACES = ("runs", "name")
"""Settings that always differ, and say nothing."""
IDLE_WITHOUT_TOKENS = (
    *("scheme", "kernel", "measure", "drop_path", "position", "norm", "conditioning", "details"),
    *("layer_scale", "heads", "tokenizer"),
)
"""Settings of a model that do nothing where it has no tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingRow:
    """A setting that differs."""

    setting: str
    values: tuple[Any, ...]
    """Of each run; None where it has no such setting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRow:
    """One score of all runs."""

    store: str
    what: str
    """Such as "lead 1", "lead 5, rolled" or "rollout"."""
    values: tuple[float | None, ...]
    """Error relative to the best training-free forecast; None where it was not measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunComparison:
    """What some runs have not in common."""

    runs: tuple[RunRecord, ...]
    settings: tuple[SettingRow, ...]
    scores: tuple[ScoreRow, ...]


def compare_runs(names: Sequence[str | Path], *, runs: Path) -> RunComparison:
    """Read some runs and find what differs.

    Args:
        names: of at least two runs, or their paths.
        runs: folder of the runs.

    Raises:
        ConfigError: there are fewer than two.
        CheckpointError: one is no run, or damaged.
    """
    if len(names) < 2:
        raise ConfigError(
            f"There is nothing to compare: {len(names)} run is named, expected two or more.",
            remedy="Name two runs; `matey runs` lists them.",
        )
    found = []
    for name in names:
        path = find_run(name, runs=runs)
        if path is None:
            raise CheckpointError(
                f"{name} is no run.", remedy="`matey runs` lists the runs; their names will do."
            )
        found.append(read_run(path))
    return RunComparison(runs=tuple(found), settings=_settings(found), scores=_scores(found))


def _settings(runs: Sequence[RunRecord]) -> tuple[SettingRow, ...]:
    rows = _differing([run.settings for run in runs])
    if any(_is_idle_without_tokens(row.setting) for row in rows):
        rows = _differing([_used(run) for run in runs])
    return rows


def _differing(settings: Sequence[Mapping[str, Any]]) -> tuple[SettingRow, ...]:
    paths = dict.fromkeys(path for each in settings for path in each if path not in PLACES)
    rows = [
        SettingRow(setting=path, values=tuple(each.get(path) for each in settings))
        for path in paths
    ]
    return tuple(row for row in rows if any(value != row.values[0] for value in row.values))


def _is_idle_without_tokens(path: str) -> bool:
    return path.startswith("model.tokenizer.") or path in {
        f"model.{name}" for name in IDLE_WITHOUT_TOKENS
    }


def _used(run: RunRecord) -> dict[str, Any]:
    """The settings of a run without those that its model does not use."""
    if run.model is None or _has_tokens(run.model.settings):
        return run.settings
    return {
        path: value for path, value in run.settings.items() if not _is_idle_without_tokens(path)
    }


def _has_tokens(settings: Mapping[str, Any]) -> bool:
    """Whether a model has tokens; true where it cannot be told."""
    # Imports torch, which most comparisons do not need.
    from matey_core.models import AdaptiveConfig, ModelConfig, upgraded_settings

    try:
        config = validate(ModelConfig, upgraded_settings(settings), source="model.json")
    except MateyError:
        return True
    return not isinstance(config, AdaptiveConfig) or config.has_tokens


def _scores(runs: Sequence[RunRecord]) -> tuple[ScoreRow, ...]:
    columns = [_ratios(run) for run in runs]
    keys = dict.fromkeys(key for column in columns for key in column)
    rows = [
        ScoreRow(store=key[0], what=key[1], values=tuple(column.get(key) for column in columns))
        for key in keys
    ]
    return tuple(sorted(rows, key=lambda row: row.store))


def _ratios(run: RunRecord) -> dict[tuple[str, str], float | None]:
    """(store, what) → error relative to the best training-free forecast."""
    ratios: dict[tuple[str, str], float | None] = {}
    for score in run.scores:
        rolled = ", rolled" if score.is_rollout else ""
        ratios[score.store, f"lead {score.lead_steps}{rolled}"] = score.ratio
    for store, summary in run.rollout.items():
        ratios[store, f"rollout, {summary['known']} frames"] = summary["ratio"]
    return ratios
