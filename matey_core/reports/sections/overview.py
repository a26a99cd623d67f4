"""What the run is and how good it became, in a few figures."""

from typing import Any

from matey_core.catalog import RunRecord
from matey_core.numbers import duration, short, size
from matey_core.reports.history import RunHistory
from matey_core.reports.html import Html, joined, tag


def overview(run: RunRecord, history: RunHistory) -> Html:
    """Write the head of the page: name, command, and a tile for each figure."""
    tiles = [
        _tile("score", short(run.score), _meaning(run)) if run.score is not None else None,
        _tile("rollout", short(run.rollout_ratio), "the same on test trajectories")
        if run.rollout_ratio is not None
        else None,
        _tile("steps", f"{run.steps:,}", _skipped(history)),
        *_speed(history),
        _model(run, history),
    ]
    rollbacks = [f"Back to step {step}: {reason}" for step, reason in history.rollbacks]
    return joined(
        tag("h1", run.name),
        tag(
            "p",
            f"matey {run.kind}, started {run.started[:16].replace('T', ' ')} UTC",
            f" on {run.versions['device']}" if run.versions.get("device") else None,
            class_="lead",
        ),
        _command(run),
        tag("div", *tiles, class_="tiles"),
        *(tag("p", text, class_="note") for text in rollbacks),
    )


def _tile(name: str, value: str, note: str) -> Html:
    return tag("div", tag("b", value), tag("span", name), tag("small", note), class_="tile")


def _meaning(run: RunRecord) -> str:
    what = "× the error of the best training-free forecast"
    return f"{what}, at step {run.best_step:,}" if run.best_step is not None else what


def _skipped(history: RunHistory) -> str:
    return f"{history.skipped:,} skipped" if history.skipped else "none skipped"


def _speed(history: RunHistory) -> list[Html]:
    """Time, throughput and memory; none of an earlier version's run."""
    if not history.seconds:
        return []
    rate = f"{short(history.samples / history.seconds, 2)} samples"
    if history.tokens:
        rate += f", {history.tokens / history.seconds:,.0f} tokens"
    waiting = history.waiting / history.seconds
    return [
        _tile("training", duration(history.seconds), "of steps, without validations"),
        _tile("waiting for data", f"{waiting:.1%}", f"{rate} a second"),
        _tile("memory", size(history.memory), "used at most"),
    ]


def _model(run: RunRecord, history: RunHistory) -> Html | None:
    if run.model is None:
        return None
    note = ", ".join(filter(None, (run.model.variant, _precision(history.start))))
    return _tile("parameters", f"{run.model.parameters:,}", note)


def _precision(start: Any) -> str:
    return str(start.get("precision", ""))


def _command(run: RunRecord) -> Html | None:
    command = run.versions.get("command")
    return tag("pre", str(command), class_="command") if command else None
