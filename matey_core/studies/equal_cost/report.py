"""What a study has shown so far: JSON, Markdown and a picture, written from finished cells."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from pydantic import TypeAdapter

from matey_core.errors import install_extra
from matey_core.models import Sizes, adaptive_config
from matey_core.studies.equal_cost.cells import CellLog, CellResult
from matey_core.studies.equal_cost.costs import ArmCost
from matey_core.studies.equal_cost.plan import Subject, Task, amount_of, kinds_of
from matey_core.studies.equal_cost.results import Comparison, Equal, compare
from matey_core.studies.equal_cost.verdict import Verdict, verdict_of
from matey_core.training.checkpoint import written

if TYPE_CHECKING:
    from matey_core.studies.equal_cost import EqualCostConfig

TOLERANCE = 0.1
"""How far training may last from its budget before that is told, as a fraction."""
NO_PLOT = f"There is no picture: matplotlib is not installed ({install_extra('plots')})."


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A comparison and what it says."""

    comparison: Comparison
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreReport:
    """What was found on one store."""

    store: str
    path: str
    fingerprint: str
    fields: tuple[str, ...]
    grid: tuple[int, ...]
    frames: int
    trajectories: dict[str, int]
    """Split → number of trajectories."""
    costs: tuple[ArmCost, ...]
    comparisons: tuple[Judged, ...]
    """Those with at least one complete seed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyReport:
    """What was found on all stores."""

    out: Path
    metric: str
    """The error that decides."""
    learning_rates: tuple[float, ...]
    seeds: int
    """That were asked for."""
    rollout_steps: int
    batch_size: int
    history: int
    max_lead: int
    size: Sizes
    """Of the models."""
    device: str
    threads: int
    precision: str
    stores: tuple[StoreReport, ...]
    plot: Path | None
    notes: tuple[str, ...]


def report_of(
    config: "EqualCostConfig",
    precision: str,
    subjects: Sequence[Subject],
    tasks: Sequence[Task],
    log: CellLog,
) -> StudyReport:
    """Summarize the seeds that are complete.

    Args:
        config: settings of the study.
        precision: arithmetic of all cells.
        subjects: stores and arms.
        tasks: all cells, finished or not.
        log: the finished ones.
    """
    training = config.training
    has_gpu = torch.cuda.is_available() and training.device != "cpu"
    stores = tuple(_store_report(config, subject, tasks, log) for subject in subjects)
    return StudyReport(
        out=Path(tasks[0].cell.config.runs).parent,
        metric=config.metric,
        learning_rates=config.rates,
        seeds=config.seeds,
        rollout_steps=config.rollout_steps,
        batch_size=training.batch_size,
        history=training.history,
        max_lead=training.max_lead,
        size=adaptive_config(training.model, what="A comparison of tokenizations").sizes,
        device=torch.cuda.get_device_name() if has_gpu else "cpu",
        threads=torch.get_num_threads(),
        precision=precision,
        stores=stores,
        plot=Path(tasks[0].cell.config.runs).parent / "report.png" if _can_plot() else None,
        notes=(*_off_budget(stores), *(() if _can_plot() else (NO_PLOT,))),
    )


def write_report(report: StudyReport, out: Path) -> StudyReport:
    """Write report.json, report.md and, where matplotlib is installed, report.png.

    Raises:
        RunError: the disk is full.
    """
    from matey_core.studies.equal_cost.markdown import markdown

    document = TypeAdapter(StudyReport).dump_json(report, indent=1)
    with written(out / "report.json") as partial:
        partial.write_bytes(document + b"\n")
    if report.plot:
        from matey_core.studies.equal_cost.plot import draw

        with written(report.plot) as partial:
            draw(report, partial)
    with written(out / "report.md") as partial:
        partial.write_text(markdown(report), encoding="utf-8")
    return report


def _off_budget(stores: Sequence[StoreReport]) -> Iterator[str]:
    """Name the arms whose steps took another time while training than beforehand."""
    for store in stores:
        for judged in store.comparisons:
            comparison = judged.comparison
            off = [
                f"{each.arm.label} {each.train_seconds:.3g}"
                for each in comparison.arms
                if abs(each.train_seconds / comparison.amount - 1) > TOLERANCE
            ]
            if comparison.equal == "seconds" and off:
                yield (
                    f"{store.store}: instead of {comparison.amount:g} seconds these arms trained "
                    f"for {'; '.join(off)}. The machine was not quiet, or its steps differ."
                )


def _can_plot() -> bool:
    return find_spec("matplotlib") is not None


def _store_report(
    config: "EqualCostConfig", subject: Subject, tasks: Sequence[Task], log: CellLog
) -> StoreReport:
    store = subject.store
    found = [_judged(config, subject, equal, tasks, log) for equal in kinds_of(config)]
    return StoreReport(
        store=store.name,
        path=str(store.path),
        fingerprint=store.fingerprint,
        fields=store.spec.names,
        grid=store.spec.grid.shape,
        frames=store.num_frames,
        trajectories={
            split: len(store.samples(split)) for split in ("train", "validation", "test")
        },
        costs=tuple(subject.costs.values()),
        comparisons=tuple(each for each in found if each),
    )


def _judged(
    config: "EqualCostConfig",
    subject: Subject,
    equal: Equal,
    tasks: Sequence[Task],
    log: CellLog,
) -> Judged | None:
    """Compare what the complete seeds have; None where no seed is complete."""
    cells = [
        task.cell for task in tasks if task.equal == equal and task.cell.store == subject.store.name
    ]
    by_seed = {
        seed: [cell for cell in cells if cell.config.seed == seed] for seed in range(config.seeds)
    }
    complete = [each for seed in by_seed.values() if log.has_all(seed) for each in seed]
    if not complete:
        return None
    results: dict[str, dict[float, list[CellResult]]] = {}
    for cell in complete:
        rates = results.setdefault(cell.arm.name, {})
        rates.setdefault(cell.config.optimizer.learning_rate, []).append(log.results[cell.key])
    comparison = compare(
        results,
        arms=subject.arms,
        costs=subject.costs,
        store=subject.store.name,
        equal=equal,
        amount=amount_of(config, subject, equal),
    )
    return Judged(comparison=comparison, verdict=verdict_of(comparison, config.metric))
