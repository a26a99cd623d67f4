"""Comparison of models on one data set after another, at equal seconds."""

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import torch

from matey_core.cells import CellResult
from matey_core.cells.log import CellLog, JsonLines
from matey_core.cells.schedule import carry_out
from matey_core.cells.trial import StepTimes
from matey_core.cells.work import use_one_thread
from matey_core.locks import locked
from matey_core.progress import OnProgress, silent
from matey_core.studies.arena.data import data_sets
from matey_core.studies.arena.forecasts import ForecastLog
from matey_core.studies.arena.plot import draw
from matey_core.studies.arena.report import ArenaReport, Table, overall_of, table_of
from matey_core.studies.arena.settings import ArenaConfig
from matey_core.studies.arena.stages import Stages, stages_of
from matey_core.studies.arena.text import markdown
from matey_core.studies.plan import plan_of
from matey_core.studies.report import NO_PLOT, is_off_budget, write_report
from matey_core.studies.runner import OnPlan, go_on, refuse_torchrun
from matey_core.studies.stores import fingerprints

TRIAL = 20
"""Number of steps over which the time of a step is measured."""


def arena(
    config: ArenaConfig,
    *,
    out: Path,
    jobs: int = 1,
    on_progress: OnProgress = silent,
    on_plan: OnPlan = go_on,
) -> ArenaReport | None:
    """Train all models on every data set for equal seconds, and compare.

    Learning rates are chosen first on validation data, once for every model and data set.
    Finished cells are kept in `cells.jsonl`, so the same call continues an arena that was
    stopped. The report is rewritten after every seed of a data set.

    `config` has models, data and budget. The other arguments, the result and the errors are
    those of `run_study`.
    """
    refuse_torchrun()
    if jobs > 1:  # steps are measured as they will be taken
        use_one_thread()
    with locked(out, busy=f"Another process is working on the arena in {out} just now."):
        places = data_sets(config, on_progress)
        known = cache(fingerprints)
        clock = StepTimes(
            out / "costs.json", known, steps=TRIAL, cpu=_unit() == "CPU", is_shared=False
        )
        stages = stages_of(
            config,
            places,
            clock,
            runs=out / "runs",
            fingerprints=known,
            on_progress=on_progress,
        )
        log = CellLog(out / "cells.jsonl")
        tasks = [task for each in stages for task in (*each.choice(), *each.final(log.results))]
        times = {key: step for each in stages for key, step in each.times.items()}
        if not on_plan(plan_of(tasks, log, times, out=out, jobs=jobs)):
            return None
        cells = _ArenaCells(config, stages, log, out, jobs, on_progress)
        return cells.carry_out()


class _ArenaCells:
    """All cells of an arena, data set by data set."""

    def __init__(
        self,
        config: ArenaConfig,
        stages: list[Stages],
        log: CellLog,
        out: Path,
        jobs: int,
        on_progress: OnProgress,
    ) -> None:
        self.config, self.stages, self.log, self.out = config, stages, log, out
        self.jobs, self.on_progress = jobs, on_progress
        self.forecasts = ForecastLog(JsonLines(out / "forecasts.jsonl"))

    def carry_out(self) -> ArenaReport:
        for each in self.stages:
            for tasks in (each.choice, lambda here=each: here.final(self.log.results)):
                carry_out(
                    tasks(),
                    self.log,
                    title=f"arena · {each.name}",
                    jobs=self.jobs,
                    on_progress=self.on_progress,
                    on_seed=self.publish,
                )
            report = self.publish()
        return report

    def publish(self) -> ArenaReport:
        """Write the report of what is finished."""
        report = self.report()
        write_report(report, plot=report.plot, out=self.out, text=markdown(report), draw=draw)
        return report

    def report(self) -> ArenaReport:
        tables = [table for each in self.stages if (table := self._table(each))]
        tasks = [t for each in self.stages for t in (*each.choice(), *each.final(self.log.results))]
        keys = {task.cell.key for task in tasks}
        can_plot = find_spec("matplotlib") is not None
        return ArenaReport(
            out=self.out,
            seconds=self.config.seconds,
            unit=_unit(),
            cells=len(keys),
            finished=len(keys & self.log.results.keys()),
            overall=overall_of(tables, self.config.frames),
            tables=tuple(tables),
            plot=self.out / "report.png" if can_plot and tables else None,
            notes=(
                *self._at_ends(tables),
                *self._off_budget(tables),
                *(() if can_plot else (NO_PLOT,)),
            ),
        )

    def _table(self, stages: Stages) -> Table | None:
        """The table of a data set; None before a model of it is finished."""
        tasks = stages.final(self.log.results)
        models: dict[str, list[tuple[CellResult, float]]] = {}
        for task in tasks:
            if result := self.log.results.get(task.cell.key):
                models.setdefault(task.point.arm, []).append((result, task.point.learning_rate))
        if not models:
            return None
        return table_of(
            stages.name,
            stages.place,
            frames=self.config.frames,
            models=models,
            forecasts=self.forecasts.of(stages, tasks, self.log.results),
            unit=_unit(),
        )

    def _at_ends(self, tables: list[Table]) -> tuple[str, ...]:
        """Name the models whose best learning rate is the smallest or the largest of the list."""
        found = []
        for table in tables:
            for row in table.models:
                rates = self.config.arms[row.name].learning_rates
                if row.cost and rates[1:] and row.cost.learning_rate in (min(rates), max(rates)):
                    found.append(f"{row.name} on {table.data}")
        if not found:
            return ()
        return (
            "The best learning rate is at an end of the list, and one beyond may be better: "
            f"{'; '.join(found)}.",
        )

    def _off_budget(self, tables: list[Table]) -> tuple[str, ...]:
        """Name the models whose training took other seconds than those of the budget."""
        found = []
        for table in tables:
            for row in table.models:
                assert row.cost is not None
                seconds = row.cost.steps * row.cost.step_seconds
                if is_off_budget(seconds, self.config.seconds):
                    found.append(f"{row.name} on {table.data} {seconds:.3g}")
        if not found:
            return ()
        return (
            f"Instead of {self.config.seconds:g} {_unit()} seconds these trained for "
            f"{'; '.join(found)}.",
        )


def _unit() -> Literal["CPU", "GPU"]:
    return "GPU" if torch.cuda.is_available() else "CPU"
