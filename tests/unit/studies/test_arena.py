"""The arena: rows of models and forecasts, marks, and what a stopped one goes on with."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from matey_core.cells import CellResult
from matey_core.config import validate
from matey_core.errors import ConfigError
from matey_core.progress import silent
from matey_core.studies.arena import arena
from matey_core.studies.arena.data import data_sets
from matey_core.studies.arena.forecasts import ForecastErrors
from matey_core.studies.arena.report import ArenaReport, overall_of, table_of
from matey_core.studies.arena.settings import ArenaConfig
from matey_core.studies.arena.stages import choice_of, final_of
from matey_core.studies.arena.text import advice, markdown, rows_of
from matey_core.studies.expansion import points_of
from matey_core.studies.kinds.arena import ArenaStudy
from matey_core.studies.reading import read_study
from matey_core.workflows.rollout import rollout
from matey_core.workflows.rollout.settings import RolloutConfig
from tests.support import tiny_store


def tiny_arena(**changes: Any) -> ArenaConfig:
    """Two models that train for a moment."""
    values: dict[str, Any] = {
        "seconds": 0.2,
        "seeds": 2,
        "frames": [2, 50],
        "pretraining": {
            "history": 3,
            "max_lead": 1,
            "batch_size": 4,
            "precision": "float32",
            "validation_batches": 1,
            "workers": 0,
        },
        "evaluation": {"steps": 50, "windows": 8},
        "arms": {
            "fno": {"settings": {"model": {"variant": "fno", "width": 8, "modes": 4}}},
            "unet": {
                "settings": {"model": {"variant": "unet", "width": 8, "levels": 2}},
                "learning_rates": [1e-3, 4e-3],
            },
        },
        **changes,
    }
    return validate(ArenaConfig, values, source="test")


def rows(out: Path) -> list[dict[str, Any]]:
    lines = (out / "cells.jsonl").read_text("utf-8").splitlines()
    return [row for row in map(json.loads, lines) if row["event"] == "cell"]


@pytest.mark.slow
def test_an_arena_chooses_rates_and_has_the_forecasts_of_rollout(tmp_path: Path) -> None:
    tiny_store(tmp_path / "data", samples=6, frames=10)
    out = tmp_path / "out"
    report = arena(tiny_arena(data=str(tmp_path / "data")), out=out)
    assert report is not None
    assert (report.cells, report.finished) == (6, 6)
    [table] = report.tables
    assert [row.name for row in table.rows] == [
        "fno", "unet", "persistence", "linear", "local_linear",
    ]  # fmt: skip
    fno, unet = table.models
    assert unet.cost is not None
    assert list(fno.errors) == ["one step", "2", "7"]

    # Two rates of one arm, a third of the steps, one seed; then both arms with two seeds.
    cells = rows(out)
    assert [(row["arm"], row["seed"]) for row in cells] == [
        ("unet", "0"), ("unet", "0"), ("fno", "0"), ("unet", "0"), ("fno", "1"), ("unet", "1"),
    ]  # fmt: skip
    best = min(cells[:2], key=lambda row: row["validation"])
    assert unet.cost.learning_rate == best["learning_rate"]
    assert {row["learning_rate"] for row in cells if row["arm"] == "unet"} == {1e-3, 4e-3}
    assert cells[0]["steps"] == pytest.approx(unet.cost.steps / 3, abs=1)
    assert unet.errors["one step"].values == tuple(
        row["errors"]["nrmse"] for row in cells[2:] if row["arm"] == "unet"
    )

    config = RolloutConfig(run=out / "runs" / cells[2]["run"], steps=50, windows=8)
    [store] = rollout(config).stores
    for row in table.rows[2:]:
        scores = [store.one_step_mean, store.rollout[1].mean, store.rollout[-1].mean]
        wanted = [
            score["nrmse"].persistence
            if row.name == "persistence"
            else score["nrmse"].forecasts[row.name]
            for score in scores
        ]
        assert [error.median for error in row.errors.values()] == pytest.approx(wanted)
    assert len(fno.leads) == table.frames == 7
    assert markdown(report) == (out / "report.md").read_text("utf-8")


def test_a_stopped_arena_goes_on_and_makes_the_same_table(tmp_path: Path) -> None:
    tiny_store(tmp_path / "data", samples=6, frames=10)
    config, out = tiny_arena(data=str(tmp_path / "data")), tmp_path / "out"
    whole = arena(config, out=out)
    assert whole is not None
    lines = (out / "cells.jsonl").read_bytes().splitlines(keepends=True)
    (out / "cells.jsonl").write_bytes(b"".join(lines[:-2]) + lines[-1][:20])
    for name in ("report.md", "forecasts.jsonl"):
        (out / name).unlink()
    again = arena(config, out=out)
    assert again is not None
    assert len((out / "cells.jsonl").read_bytes().splitlines()) == len(lines)
    assert _measured(again) == _measured(whole)
    kept = (out / "cells.jsonl").read_bytes()
    assert arena(config, out=out) == again
    assert (out / "cells.jsonl").read_bytes() == kept


def _measured(report: ArenaReport) -> list[Any]:
    """All but what a step took."""
    return [
        (row.name, row.errors, row.horizon, row.leads, row.beaten, row.cost and row.cost.steps)
        for table in report.tables
        for row in table.rows
    ]


def test_a_declined_plan_trains_nothing(tmp_path: Path) -> None:
    tiny_store(tmp_path / "data", samples=6, frames=10)
    plans = []
    config = tiny_arena(data=str(tmp_path / "data"))
    found = arena(config, out=tmp_path / "out", on_plan=lambda plan: bool(plans.append(plan)))
    assert found is None
    assert (plans[0].cells, plans[0].finished) == (6, 0)
    assert not (tmp_path / "out" / "cells.jsonl").exists()


def result(one_step: float, leads: tuple[float, ...], failure: str = "") -> CellResult:
    errors = {"nrmse": one_step, "vrmse": one_step, "rollout": one_step}
    return CellResult(
        run="r", steps=10, step_seconds=2.0, step_cpu_seconds=3.0, validation=0.1,
        failure=failure, parameters=7, errors=errors, persistence=errors,
        leads=leads, spread_leads=leads,
    )  # fmt: skip


def forecast(one_step: float, *leads: float) -> ForecastErrors:
    return ForecastErrors(one_step=one_step, leads=leads, spread_leads=leads)


def test_a_model_that_loses_to_the_best_forecast_is_marked() -> None:
    free = {
        "persistence": forecast(0.3, 0.3, 0.6, 0.9),
        "linear": forecast(0.1, 0.1, 0.4, 3e7),
    }
    models = {
        "good": [(result(0.05, (0.05, 0.2, 0.8)), 1e-3)],
        "late": [(result(0.2, (0.2, 0.3, 0.5)), 1e-3)],
        "gone": [(result(math.inf, (), failure="diverged"), 1e-3)],
    }
    table = table_of("toy", Path("toy"), frames=(2, 9), models=models, forecasts=free, unit="CPU")
    good, late, gone = table.models
    assert list(good.errors) == ["one step", "2", "3"]
    assert good.beaten == ()
    assert late.beaten == ("one step",)  # at frame 2 linear has 0.4, at frame 3 persistence 0.9
    assert gone.beaten == ("one step", "2", "3", "horizon")
    assert [row.horizon.median for row in table.rows] == [2, 3, 0, 1, 2]
    assert late.cost is not None
    assert late.cost.step_seconds == 3.0
    texts = {row[0]: row for row in rows_of(table)}
    assert texts["late"][5:] == ("0.2‡", "0.3", "0.5", "≥ 3")
    assert texts["linear"][5:] == ("0.1", "0.4", ">100", "2")
    assert texts["gone (1 of 1 diverged)"][5:] == ("∞‡", "∞‡", "∞‡", "0‡")
    assert advice(table) == "toy: good is best one step ahead, late at frame 3."

    by_name = {each.name: each for each in overall_of([table, table], (2, 9))}
    assert by_name["good"].ratios == pytest.approx({"one step": 0.5, "late": 0.8 / 0.9})
    assert by_name["late"].ratios["one step"] == pytest.approx(2.0)
    assert (by_name["good"].beaten, by_name["late"].beaten) == (0, 2)
    assert by_name["gone"].ratios["late"] == math.inf
    assert by_name["good"].rivals == pytest.approx({"one step": 0.05 / 0.2, "late": 0.8 / 0.5})
    assert by_name["late"].rivals == pytest.approx({"one step": 0.2 / 0.05, "late": 0.5 / 0.8})
    alone = table_of(
        "toy", Path("toy"), frames=(2,), models={"good": models["good"]}, forecasts=free, unit="CPU"
    )
    assert overall_of([alone], (2,))[0].rivals["one step"] == math.inf


def test_the_file_compares_models_and_baselines_twice(tmp_path: Path) -> None:
    study = read_study(Path("arena"), ("seconds=60", f"simulated={tmp_path}"))
    assert isinstance(study, ArenaStudy)
    assert len(study.simulations) == 9
    assert all(job.samples == 32 for job in study.simulations.values())
    for job in study.simulations.values():
        job.resolved()
    points = points_of(final_of(study, tmp_path, {}))
    assert len(points) == 3 * len(study.arms)
    by_arm = {point.arm: point.pretraining for point in points}
    trends = {name: each.model.model_dump()["trend"] for name, each in by_arm.items()}
    assert [trends[name] for name in ("fno", "unet", "fno-trend", "unet-trend")] == [
        False, False, True, True,
    ]  # fmt: skip
    assert by_arm["unet"].augment == ()
    assert by_arm["unet-trend"].objective == by_arm["pyramid"].objective
    choice = choice_of(study, tmp_path)
    assert choice.budget.seconds == pytest.approx(20)
    assert len(points_of(choice)) == sum(len(arm.learning_rates) for arm in study.arms.values())


def test_data_sets_are_simulated_once_and_names_are_known(tmp_path: Path) -> None:
    job = {"simulator": "advection_1d", "samples": 10, "grid": 16, "steps": 6, "workers": 1}
    config = tiny_arena(simulated=str(tmp_path / "made"), simulations={"line": job})
    [(name, place)] = data_sets(config, silent).items()
    assert name == "line"
    assert place.parent == tmp_path / "made" / "line" / "zarr"
    before = (place / "zarr.json").stat().st_mtime_ns
    assert data_sets(config, silent) == {"line": place}
    assert (place / "zarr.json").stat().st_mtime_ns == before

    with pytest.raises(ConfigError, match="there is no simulation 'lin'; there are line"):
        data_sets(config.model_copy(update={"store": ("lin",)}), silent)
    with pytest.raises(ConfigError, match="neither `data` nor `simulations`"):
        data_sets(tiny_arena(), silent)
