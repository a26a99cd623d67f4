"""A study from its file to its report, with pretraining and fine-tuning."""

import json
from pathlib import Path
from typing import Any

import pytest

from matey_core.cells import Point, TrainedCell
from matey_core.cells.log import CellLog
from matey_core.cells.trial import StepTimes
from matey_core.cells.work import StepClock, StepTime
from matey_core.config import validate
from matey_core.errors import ConfigError, MateyError, RunError
from matey_core.locks import locked
from matey_core.progress import OnProgress, silent
from matey_core.studies.expansion import points_of
from matey_core.studies.runner import run_study
from matey_core.studies.settings import StudyConfig
from matey_core.studies.stores import fingerprints, short_of
from tests.support import tiny_store

SHARED = {"batch_size": 4, "validation_batches": 1, "precision": "float32", "workers": 0}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    tiny_store(folder / "old", name="old_periodic", samples=6, frames=8)
    tiny_store(folder / "new", name="new_periodic", samples=8, frames=8)
    return folder


def tiny_study(folder: Path, **changes: Any) -> StudyConfig:
    """Two arms, two seeds: one pretraining, four fine-tunings."""
    values: dict[str, Any] = {
        "pretraining": {
            **SHARED,
            "data": str(folder / "old"),
            "model": {"width": 16, "depth": 1, "heads": 2, "tokenizer": {"patch": [8, 4]}},
            "history": 2,
            "max_lead": 2,
            "steps": 4,
        },
        "finetuning": {**SHARED, "data": str(folder / "new"), "steps": 3, "n_samples": 2},
        "evaluation": {"steps": 2},
        "axes": {"finetuning": {"seed": [0, 1]}},
        "arms": {"full": {}, "scratch": {"settings": {"from_scratch": True}}},
        "verdicts": [
            {"rule": "ratio", "arm": "full", "against": "scratch", "at_most": 9.0, "source": "us"}
        ],
        **changes,
    }
    return validate(StudyConfig, values, source="test")


def one_arm(folder: Path, arm: dict[str, Any], **changes: Any) -> StudyConfig:
    """One pretraining, which is tested."""
    alone: dict[str, Any] = {"finetuning": None, "axes": {}, "verdicts": []}
    return tiny_study(folder, arms={"a": arm}, **alone, **changes)


def rows(out: Path, event: str) -> list[dict[str, Any]]:
    lines = (out / "cells.jsonl").read_text("utf-8").splitlines()
    return [row for row in map(json.loads, lines) if row["event"] == event]


@pytest.mark.slow
def test_a_study_shares_its_pretraining_and_says_what_holds(folder: Path, tmp_path: Path) -> None:
    report = run_study(tiny_study(folder), out=tmp_path)
    assert report is not None
    firsts = rows(tmp_path, "pretraining")
    assert [(row["run"].partition("-")[0], row["steps"]) for row in firsts] == [
        ("pretraining", 4), ("untrained", 1),
    ]  # fmt: skip
    assert [(row["arm"], row["seed"]) for row in rows(tmp_path, "cell")] == [
        ("full", "0"), ("scratch", "0"), ("full", "1"), ("scratch", "1"),
    ]  # fmt: skip
    [comparison] = report.comparisons
    assert comparison.seeds == ("0", "1")
    full, scratch = comparison.arms
    assert full.ratios["nrmse"].values == (1.0, 1.0)
    expected = [
        b / a
        for a, b in zip(full.errors["nrmse"].values, scratch.errors["nrmse"].values, strict=True)
    ]
    assert scratch.ratios["nrmse"].values == pytest.approx(expected)
    [verdict] = report.verdicts
    assert verdict.outcome in ("holds", "uninformative")
    text = (tmp_path / "report.md").read_text("utf-8")
    assert text.startswith(f"# study\n\n- **{verdict.outcome}** (directional)")
    assert json.loads((tmp_path / "report.json").read_text())["finished"] == 4

    with (
        locked(tmp_path, busy="here"),
        pytest.raises(RunError, match="Another process is working on the study"),
    ):
        run_study(tiny_study(folder), out=tmp_path)
    before = (tmp_path / "cells.jsonl").read_bytes()
    (tmp_path / "cells.jsonl").write_bytes(before + b'{"event": "cell", "ke')
    again = run_study(tiny_study(folder), out=tmp_path)
    assert again == report
    assert (tmp_path / "cells.jsonl").read_bytes() == before


def test_a_pretraining_counts_while_its_model_is_there(tmp_path: Path) -> None:
    trained = TrainedCell(run="a", steps=4, step_seconds=0.1, seconds=1.0, validation=0.5)
    CellLog(tmp_path / "cells.jsonl").add_training("key", trained)
    assert CellLog(tmp_path / "cells.jsonl").trainings == {}
    (tmp_path / "runs/a/model").mkdir(parents=True)
    assert CellLog(tmp_path / "cells.jsonl").trainings == {"key": trained}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"axes": {"model.widht": [16]}}, "'model.widht'; did you mean 'model.width'"),
        ({"axes": {"modle.width": [16]}}, "unknown setting 'modle.width'"),
        ({"axes": {"seed": [0]}}, "'seed' is a setting of pretraining and of fine-tuning"),
        ({"axes": {"n_samples": []}}, "the axis 'n_samples' has no list of values"),
        ({"axes": {"model.depth": ["two"]}}, "model.depth"),
        ({"arms": {"a": {"settings": {"finetuning.steps": 9}}}}, "cannot differ between arms"),
        ({"arms": {"a": {"settings": {"n_sample": 9}}}}, "unknown setting 'n_sample'"),
        ({"arms": {"a": {"rate": 1.0}}}, "unknown setting 'arms.a.rate'"),
        ({"evaluation": {"split": "validation"}}, "evaluation.split cannot be set"),
        ({"rules": {"exclude": [{"sample": 1}]}}, "'sample' is not an axis"),
        ({"rules": {"exclude": [{"arm": "full"}, {"arm": "scratch"}]}}, "exclude every cell"),
        ({"verdicts": [{"rule": "err", "arm": "no", "at_most": 1.0, "source": "s"}]}, "arm 'no'"),
        ({"verdicts": [{"rule": "er", "arm": "full", "source": "s"}]}, "unknown name 'er'"),
        ({"axes": {"finetuning.runs": ["a"]}}, "axes: 'finetuning.runs' cannot be an axis"),
        ({"axes": {"evaluation.split": ["train"]}}, "'evaluation.split' cannot be an axis"),
        (
            {"axes": {"finetuning.steps": [2, 3]}, "budget": {"steps": 3}},
            "'finetuning.steps' has no effect, as the budget decides the steps",
        ),
        (
            {
                "axes": {"finetuning.optimizer.learning_rate": [1e-3]},
                "rules": {"learning_rates": [1e-4]},
            },
            "has no effect, as learning_rates are tried",
        ),
        (
            {
                "axes": {"finetuning.loss": ["nrmse"]},
                "arms": {"a": {"settings": {"finetuning.loss.name": "relative_mse"}}},
            },
            "would replace the values of the axis 'finetuning.loss'",
        ),
        (
            {"arms": {"full": {}, "few": {"settings": {"evaluation.windows": 3}}}},
            "few and full would be tested with different evaluation.windows, 3 and 256",
        ),
        ({"budget": {"equal": ["seconds"]}}, "equal seconds need `seconds`"),
    ],
)  # fmt: skip
def test_mistakes_are_found_before_anything_is_trained(
    folder: Path, tmp_path: Path, changes: dict[str, Any], expected: str
) -> None:
    with pytest.raises(ConfigError) as found:
        run_study(tiny_study(folder, **changes), out=tmp_path / "out")
    assert expected in f"{found.value} {found.value.remedy}"
    assert not (tmp_path / "out").exists()


def test_settings_of_version_0_1_are_read_wherever_they_stand(folder: Path) -> None:
    pretraining = {"data": str(folder / "old"), "warmup": 0.2, "objective": "relative_mse"}
    study = tiny_study(
        folder,
        pretraining=pretraining,
        axes={"pretraining.learning_rate": [1e-3, 1e-4], "weight_decay": [0.1]},
        arms={"a": {"settings": {"pretraining.noise": 0.3}}},
        finetuning=None,
        verdicts=[],
    )
    found = [point.pretraining for point in points_of(study)]
    assert [each.optimizer.learning_rate for each in found] == [1e-3, 1e-4]
    assert {each.optimizer.weight_decay for each in found} == {0.1}
    assert {each.schedule.warmup for each in found} == {0.2}
    assert {each.loss.part for each in found} == {"relative_mse"}
    assert {each.augment[0].strength for each in found} == {0.3}
    tuned = tiny_study(folder, arms={"a": {"settings": {"mode": "head_only"}}}, verdicts=[])
    modes = {point.finetuning.finetune.part for point in points_of(tuned) if point.finetuning}
    assert modes == {"head_only"}
    rate = {"settings": {"finetuning.learning_rate": 1e-2}}
    with pytest.raises(
        ConfigError, match=r"'finetuning\.learning_rate' cannot differ between arms"
    ):
        points_of(tiny_study(folder, arms={"a": rate}, verdicts=[]))
    with pytest.raises(ConfigError, match=r"optimizer\.learning_rate' is a setting") as error:
        points_of(tiny_study(folder, axes={"learning_rate": [1e-3]}))
    assert "Write pretraining.optimizer.learning_rate" in error.value.remedy


def test_what_only_one_model_has_is_shared_by_the_arms_that_have_it(folder: Path) -> None:
    arms = {"matey": {}, "fno": {"settings": {"model.variant": "fno", "model.modes": 4}}}
    points = points_of(tiny_study(folder, arms=arms, verdicts=[]))
    matey, fno = (points[number].pretraining.model for number in (0, 1))
    assert (matey.part, matey.label) == ("pyramid", "ti (24, 16×1, pyramid)")
    assert (fno.part, fno.sizes) == ("fno", (16, 1, (4, 4, 4)))
    shared = {"data": str(folder / "old"), "objective": "one_step"}
    nested = {"a": {"settings": {"pretraining.objective": {"name": "masked", "ratio": 0.75}}}}
    [point] = points_of(tiny_study(folder, pretraining=shared, arms=nested, axes={}, verdicts=[]))
    assert point.pretraining.objective.model_dump()["ratio"] == 0.75
    nested["a"]["settings"]["pretraining.objective"]["name"] = "maskd"
    with pytest.raises(ConfigError, match=r"unknown name 'maskd' in objectives"):
        points_of(tiny_study(folder, pretraining=shared, arms=nested, axes={}, verdicts=[]))
    wrong = {"fno": {"settings": {"model.variant": "fno", "model.heads": 4}}}
    with pytest.raises(ConfigError, match=r"arm fno, pretraining: unknown setting 'model\.heads'"):
        points_of(tiny_study(folder, arms=wrong, verdicts=[]))


def test_a_cell_too_short_for_its_times_is_no_off_budget(folder: Path, tmp_path: Path) -> None:
    study = one_arm(folder, {}, budget={"equal": ["seconds"], "seconds": 1e-6})
    report = run_study(study, out=tmp_path)
    assert report is not None
    assert report.notes == ()
    assert "| 1 | not timed |" in (tmp_path / "report.md").read_text("utf-8")


def test_other_seconds_than_measured_are_explained(folder: Path, tmp_path: Path) -> None:
    class Slow:
        """Says of every step that it takes 10 s."""

        precision = "float32"

        def measure(self, point: Point, on_progress: OnProgress) -> dict[str, float]:
            return {"pretraining": 10.0}

    study = one_arm(folder, {}, budget={"equal": ["seconds"], "seconds": 30.0})
    for jobs, reason in ((1, "was not quiet"), (2, "2 cells shared the machine")):
        report = run_study(study, out=tmp_path, clock=Slow(), jobs=jobs)
        assert report is not None
        [note] = report.notes
        assert reason in note


def test_subsets_that_a_store_cannot_give_are_said_before_and_after(folder: Path) -> None:
    points = points_of(tiny_study(folder, axes={"n_samples": [1, 50]}))
    [note] = short_of(points)
    assert "not 50: all are taken" in note
    assert not short_of(points_of(tiny_study(folder)))


def test_learning_rates_of_an_arm_have_one_measured_time(folder: Path, tmp_path: Path) -> None:
    study = one_arm(folder, {"learning_rates": [1e-3, 1e-4]})
    clock = StepTimes(tmp_path / "costs.json", fingerprints)
    first, second = (clock.measure(point, silent) for point in points_of(study))
    assert first == second


@pytest.mark.slow
def test_seconds_of_the_cpu_are_what_a_budget_by_that_clock_means(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Clock(StepClock):
        """A step takes four seconds on the wall, and one of the CPU."""

        @property
        def times(self) -> list[StepTime]:
            return [StepTime(4.0, 1.0)] * 3

    for module in ("trial", "work"):
        monkeypatch.setattr(f"matey_core.cells.{module}.StepClock", Clock)
    for clock, steps in (("wall", 1), ("cpu", 4)):
        budget = {"equal": ["seconds"], "seconds": 4.0, "clock": clock}
        report = run_study(one_arm(folder, {}, budget=budget), out=tmp_path / clock)
        assert report is not None
        [arm] = report.comparisons[0].arms
        assert (arm.steps, arm.train_seconds, report.notes) == (steps, 4.0, ())


def test_steps_that_only_some_are_expensive_count(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Clock(StepClock):
        """Fifteen steps of a second, then five of three, as with pushforward."""

        @property
        def times(self) -> list[StepTime]:
            return [StepTime(9.0, 9.0), *[StepTime(1.0, 1.0)] * 15, *[StepTime(3.0, 3.0)] * 5]

    monkeypatch.setattr("matey_core.cells.trial.StepClock", Clock)
    [point] = points_of(one_arm(folder, {}))
    seconds = StepTimes(tmp_path / "costs.json", fingerprints).measure(point, silent)
    assert seconds["pretraining"] == pytest.approx(1.5)


def test_an_arm_that_cannot_be_trained_is_named(folder: Path, tmp_path: Path) -> None:
    patch = {"pretraining.model.tokenizer.patch": [64, 32]}
    study = tiny_study(folder, arms={"full": {}, "coarse": {"settings": patch}}, verdicts=[])
    with pytest.raises(MateyError, match=r"^coarse, pretraining: "):
        run_study(study, out=tmp_path)


@pytest.mark.slow
def test_processes_side_by_side_give_the_same_cells(folder: Path, tmp_path: Path) -> None:
    axes = {"model.depth": [1, 2], "finetuning.seed": [0]}
    study = tiny_study(folder, axes=axes, arms={"full": {}}, verdicts=[])
    one = run_study(study, out=tmp_path / "one")
    two = run_study(study, out=tmp_path / "two", jobs=2)
    assert one is not None
    assert two is not None
    assert len(rows(tmp_path / "two", "pretraining")) == 2
    for first, second in zip(one.comparisons, two.comparisons, strict=True):
        assert first.at == second.at
        assert first.arms[0].errors["nrmse"].values == pytest.approx(
            second.arms[0].errors["nrmse"].values, rel=1e-5
        )
