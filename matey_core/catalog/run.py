"""A run, read from its files."""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from matey_core.catalog.model import ModelRecord, num_bytes, read_model
from matey_core.config import flat, read_toml
from matey_core.errors import CheckpointError
from matey_core.files import read_json
from matey_core.runs.folder import RunFolder, StoreRecord, order_of
from matey_core.runs.scores import StoreScore, is_of_today, overall, read_score


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """One run: what it was, and how good it became."""

    name: str
    path: Path
    kind: str
    """The command, such as `pretrain`."""
    started: str
    """ISO time."""
    order: int
    """Count among the runs beside it, which no clock decides; 0 of older runs."""
    steps: int
    """Steps taken, as far as the journal tells."""
    score: float | None
    """Best validation score: error relative to the best training-free forecast; None if none."""
    best_step: int | None
    scores: tuple[StoreScore, ...]
    """Of the best validation."""
    curve: tuple[tuple[int, float], ...]
    """Step and score of every validation."""
    rollout: dict[str, dict[str, Any]]
    """Store → summary of the last rollout, as `scores.json` has it."""
    history: int | None
    stores: tuple[StoreRecord, ...]
    """What it and the runs before it were trained on."""
    model: ModelRecord | None
    """None where nothing has been saved yet."""
    num_bytes: int
    settings: dict[str, Any]
    """Path of a setting → value."""
    versions: dict[str, Any] = field(default_factory=dict)

    @property
    def rollout_ratio(self) -> float | None:
        """Geometric mean over stores of the rollout's ratio; None without a rollout."""
        ratios = [each["ratio"] for each in self.rollout.values() if each.get("ratio")]
        if not ratios:
            return None
        return math.exp(sum(map(math.log, ratios)) / len(ratios))


def read_run(path: Path) -> RunRecord:
    """Read all that a run's folder says of it.

    Raises:
        CheckpointError: it is no run, or a file of it is damaged.
    """
    run = RunFolder(path)
    if not run.config.is_file():
        raise CheckpointError(
            f"{path} is no run: it has no config.toml.", remedy="`matey runs` lists the runs."
        )
    versions = run.versions()
    rows = run.journal(is_writer=False).read()
    try:
        validations = _validations(rows)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CheckpointError(f"{run.path / 'journal.jsonl'} is damaged: {error!r}.") from error
    best = min(validations, key=lambda each: each[1], default=None)
    settings = read_toml(run.config)
    history = settings.get("history")
    return RunRecord(
        name=path.resolve().name,
        path=path,
        kind=str(versions.get("kind", "")),
        started=str(versions.get("started", "")),
        order=order_of(versions)[0],
        steps=max((int(row.get("step", 0)) for row in rows), default=0),
        score=best[1] if best else None,
        best_step=best[0] if best else None,
        scores=best[2] if best else (),
        curve=tuple((step, score) for step, score, _ in validations),
        rollout=_rollout(path / "scores.json"),
        history=history if isinstance(history, int) else None,
        stores=run.stores(),
        model=read_model(run.model) if (run.model / "model.json").is_file() else None,
        num_bytes=num_bytes(path),
        settings=flat(settings),
        versions=versions,
    )


def _validations(rows: list[dict[str, Any]]) -> list[tuple[int, float, tuple[StoreScore, ...]]]:
    """Step, score and scores of the validations that compare with training-free forecasts."""
    found = []
    for row in rows:
        if row["event"] == "validation" and all(map(is_of_today, row["scores"])):
            scores = tuple(map(read_score, row["scores"]))
            found.append((int(row["step"]), overall(scores), scores))
    return found


def _summary(found: dict[str, Any]) -> dict[str, Any]:
    """What a rollout comes to, with numbers where numbers are expected.

    Raises:
        KeyError, TypeError, ValueError: something is missing, or of a wrong type.
    """
    ratio = found["ratio"]
    if ratio is not None and not 0 < float(ratio) < math.inf:
        raise ValueError(f"a ratio is {ratio}")
    return {
        "known": int(found["known"]),
        "good": int(found["good"]),
        "forecast": str(found["forecast"]),
        "ratio": None if ratio is None else float(ratio),
    }


def _rollout(path: Path) -> dict[str, dict[str, Any]]:
    if not path.is_file():
        return {}
    try:
        return {str(each["store"]): _summary(each["summary"]) for each in read_json(path)["stores"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(
            f"{path} is damaged: {error!r}.", remedy="Write it again with `matey rollout`."
        ) from error
