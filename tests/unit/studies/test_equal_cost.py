"""Arms, costs and reports of `matey study equal-cost`."""

import json
from pathlib import Path
from typing import Any

import pytest

from matey_core.cells import Task
from matey_core.cells.log import CellLog
from matey_core.errors import ConfigError, MateyError, ShapeError
from matey_core.models.matey import MateyConfig
from matey_core.store import open_store
from matey_core.studies.equal_cost import EqualCostConfig, equal_cost, publish, study_of
from matey_core.studies.equal_cost.arms import Arm, arms_of
from matey_core.studies.equal_cost.costs import EqualCosts
from matey_core.studies.equal_cost.report import report_of
from matey_core.studies.expansion import points_of
from matey_core.studies.report import report_of as common_report
from matey_core.studies.runner import tasks_of
from matey_core.studies.settings import StudyConfig
from matey_core.studies.stores import fingerprints
from matey_core.tokenizers import TokenizerConfig
from matey_core.workflows.pretrain import PretrainConfig
from tests.support import tiny_store
from tests.training import tiny_model
from tests.unit.studies.equal_cost import ALL, arms, result


def test_arms_are_a_ladder_of_uniform_patches_and_adaptive_ones_on_it() -> None:
    # 64×128 points are 32 patches of 16 and 512 of 4; a split makes 15 more. At most 40 % of
    # 512 are 32 + 11·15 = 197, at most 60 % are 32 + 18·15 = 302.
    expected = ["uniform-16", "uniform-8", "uniform-4"]
    for tokenizer in ("adap_mix", "adap_mul"):
        for sides in ("16-4", "16-8-4"):
            expected += [f"{tokenizer}-{sides}-{tokens}-variance" for tokens in (197, 302)]
    assert [arm.name for arm in arms()] == expected
    assert arms()[-1].label == "adap_mul (16→8→4, 302 tokens, variance)"


def test_choices_are_tokenizers_names_or_patterns_and_the_reference_stays() -> None:
    names = [arm.name for arm in arms("uniform-8", "*-16-4-197-*")]
    assert names == ["uniform-8", "uniform-4", *(f"{t}-16-4-197-variance" for t in ALL[1:])]
    two = arms("adap_mix", levels=(8, 4), budgets=("300",), criteria=("variance", "gradient"))
    assert [arm.name for arm in two[1:]] == [
        "adap_mix-8-4-300-variance",
        "adap_mix-8-4-300-gradient",
    ]


@pytest.mark.parametrize(
    ("changes", "error", "expected"),
    [
        ({"choices": ("adap_mixx",)}, ConfigError, "There is no arm 'adap_mixx'"),
        ({"choices": ("uniform",)}, ConfigError, "no adaptive arm to compare"),
        ({"levels": (16, 6)}, ConfigError, "The patches 16,6 are no ladder"),
        ({"levels": (8,)}, ConfigError, "The patches 8 are no ladder"),
        ({"budgets": ("many",)}, ConfigError, "'many' is no number of tokens"),
        ({"budgets": ("0%",)}, ConfigError, "'0%' is no number of tokens"),
        ({"budgets": ("inf%",)}, ConfigError, "'inf%' is no number of tokens"),
        ({"budgets": ("nan%",)}, ConfigError, "'nan%' is no number of tokens"),
        ({"budgets": ("200%",)}, ConfigError, "200% tokens are more than the 512 of the finest"),
        ({"budgets": ("513",)}, ConfigError, "513 tokens are more than the 512 of the finest"),
        ({"shape": (12, 64)}, ShapeError, "A patch of 16 points does not fit the grid, which has"),
    ],
)
def test_arms_that_cannot_be(
    changes: dict[str, object], error: type[MateyError], expected: str
) -> None:
    with pytest.raises(error, match=expected) as found:
        arms(**{"choices": ALL, **changes})  # type: ignore[arg-type]
    assert found.value.remedy


def test_what_is_named_twice_is_one_arm_and_all_is_the_most() -> None:
    twice = arms(criteria=("variance", "gradient", "variance"), budgets=("40%", "197", "40%"))
    assert twice == arms(criteria=("variance", "gradient"), budgets=("40%",))
    assert arms("adap_mix", budgets=("100%", "512"))[-1].tokens == 512


def test_an_arm_changes_nothing_but_its_tokenization() -> None:
    base = MateyConfig(
        width=32, heads=2, tokenizer=TokenizerConfig(patch=(8, 4), gamma=0.1, balanced=True)
    )
    mixed = arms("adap_mix")[1].model(base)
    expected = TokenizerConfig(
        name="adap_mix", patch=(16, 4), tokens=197, criterion="variance", balanced=True
    )
    assert mixed == base.model_copy(update={"tokenizer": expected})
    assert arms()[1].model(base).tokenizer == TokenizerConfig(
        name="uniform", patch=(8,), balanced=True
    )


# Cells, their hash and their log, on a store.


@pytest.fixture(scope="module")
def store_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_store(tmp_path_factory.mktemp("study") / "data", samples=6, frames=12)


def tiny_config(store: Path, **changes: object) -> EqualCostConfig:
    training = PretrainConfig(
        data=store,
        model=tiny_model(),
        history=2,
        max_lead=2,
        batch_size=4,
        precision="float32",
        validation_batches=1,
    )
    values: dict[str, object] = {
        "data": store,
        "levels": (8, 4),
        "tokens": ("10",),
        "arms": ("uniform", "adap_mix"),
        "seeds": 2,
        "measure": 0.05,
        "training": training,
    }
    return EqualCostConfig(**(values | changes))  # type: ignore[arg-type]


MIX = "adap_mix-8-4-10-variance"
SMALL: dict[str, Any] = {"levels": (8, 4), "budgets": ("10",), "shape": (16, 16)}


def planned(
    store: Path, config: EqualCostConfig, runs: Path
) -> tuple[StudyConfig, list[Task], dict[str, tuple[Arm, ...]]]:
    """The study, and all of its cells, where steps take 0.01, 0.02 and 0.03 s."""
    found = arms_of(
        levels=config.levels,
        criteria=config.criteria,
        budgets=config.tokens,
        choices=config.arms,
        shape=(16, 16),
    )
    study = study_of(config, {str(store): found})
    points = points_of(study)
    times = dict(zip([arm.name for arm in found], (0.01, 0.02, 0.03), strict=True))
    tasks = tasks_of(
        study,
        points,
        [{"pretraining": times[point.arm]} for point in points],
        precision=lambda _: "float32",
        runs=runs,
        fingerprints=fingerprints,
    )
    return study, tasks, {str(store): found}


def test_a_study_has_complete_seeds_first_and_equal_seconds_mean_steps(
    store_path: Path, tmp_path: Path
) -> None:
    config = tiny_config(store_path, seconds=0.6, learning_rates=(1e-3, 2e-3))
    _, tasks, _ = planned(store_path, config, tmp_path)
    assert [task.cell.pretraining.seed for task in tasks] == [0] * 12 + [1] * 12
    steps = {
        (task.point.at["equal"], task.point.arm): task.cell.pretraining.steps for task in tasks
    }
    # The finest uniform patch takes 30 steps in 0.6 s.
    assert steps == {
        ("seconds", "uniform-8"): 60,
        ("seconds", "uniform-4"): 30,
        ("seconds", MIX): 20,
        **{("steps", name): 30 for name in ("uniform-8", "uniform-4", MIX)},
    }
    # The finest uniform patch is the same cell in both comparisons: it is trained once.
    assert len({task.cell.key for task in tasks}) == 20
    assert len({task.cell.key for task in tasks if task.point.arm == "uniform-4"}) == 4
    mixed = next(task.cell.pretraining for task in tasks if task.point.arm == MIX)
    assert (mixed.model.tokenizer.name, mixed.model.tokenizer.tokens) == ("adap_mix", 10)


def test_a_learning_rate_that_is_named_twice_is_trained_and_counted_once(
    store_path: Path, tmp_path: Path
) -> None:
    config = tiny_config(store_path, only="steps", steps=5, learning_rates=(2e-3, 1e-3, 2e-3))
    _, tasks, _ = planned(store_path, config, tmp_path)
    rates = [(task.point.seed, task.cell.pretraining.optimizer.learning_rate) for task in tasks]
    assert rates == [(seed, rate) for seed in "01" for _ in range(3) for rate in (2e-3, 1e-3)]


@pytest.mark.parametrize("budget", [{"flops": 1e6}, {"seconds": 1.0}, {"tokens_range": (4, 16)}])
def test_a_budget_of_the_training_is_refused_before_anything_is_measured(
    store_path: Path, tmp_path: Path, budget: dict[str, object]
) -> None:
    config = tiny_config(store_path, out=tmp_path / "out")
    training = config.training.model_copy(update=budget)
    [name] = budget
    with pytest.raises(ConfigError, match=f"{name}, which would replace the tokens") as found:
        equal_cost(config.model_copy(update={"training": training}))
    assert name in found.value.remedy
    assert not (tmp_path / "out").exists()


def test_costs_are_measured_once_and_kept(store_path: Path, tmp_path: Path) -> None:
    config, store = tiny_config(store_path), open_store(store_path)
    own = {str(store_path): arms("uniform", "adap_mix", **SMALL)}

    def costs(**changes: object) -> EqualCosts:
        training = config.training.model_copy(update=changes)
        return EqualCosts(tmp_path / "costs.json", training, [store], own, seconds=0.01)

    found = costs().of(str(store_path))
    assert {name: cost.tokens for name, cost in found.items()} == {
        "uniform-8": 4,
        "uniform-4": 16,
        MIX: 10,
    }
    assert found["uniform-8"].flops < found[MIX].flops < found["uniform-4"].flops

    def no_turn(progress: object) -> None:
        raise AssertionError("measured again")

    assert costs().of(str(store_path), no_turn) == found
    with pytest.raises(AssertionError, match="measured again"):
        costs(batch_size=2).of(str(store_path), no_turn)


def test_a_report_tells_of_complete_seeds_only(store_path: Path, tmp_path: Path) -> None:
    config = tiny_config(store_path, only="seconds", seconds=0.6, seeds=3, out=tmp_path)
    study, tasks, found = planned(store_path, config, tmp_path / "runs")
    log = CellLog(tmp_path / "cells.jsonl")
    for number, task in enumerate(tasks[:-1]):
        # 60, 30 and 20 steps should last 0.6 s each; the last one's take 0.033 s instead of 0.03.
        steps, seconds = task.cell.pretraining.steps, (0.0105, 0.019, 0.0333)[number % 3]
        error = 0.1 + 0.01 * number
        log.add(task, result(error=error, validation=0.1, steps=steps, step_seconds=seconds))
    store = open_store(store_path)
    costs = EqualCosts(tmp_path / "costs.json", config.training, [store], found, seconds=0.01)
    report = report_of(common_report(study, tasks, log, tmp_path), [store], found, costs)
    [comparison] = report.study.comparisons
    assert comparison.seeds == ("0", "1")
    [note] = [each for each in report.study.notes if "trained" in each]
    assert note.startswith("tiny_periodic: instead of 0.6 seconds these arms")
    assert "tokens, variance) 0.666." in note
    publish(report)
    text = (tmp_path / "report.md").read_text("utf-8")
    [verdict] = report.verdicts
    assert text.startswith(f"# Equal cost\n\n- {verdict.sentence}\n")
    assert "On tiny_periodic at equal seconds (0.6) " in verdict.sentence
    assert "2 of 3 seeds are complete." in text
    assert "better with every seed, by chance, in 50 % of all cases." in text
    assert "| uniform 4 | 30 | 0.57 | 0.004 | 0.125 (0.11–0.14) |" in text
    document = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert document["verdicts"][0]["outcome"] == "uniform"


def test_the_picture_joins_what_none_beats() -> None:
    pytest.importorskip("matplotlib")
    from matey_core.studies.equal_cost.plot import pareto

    assert pareto([(3, 1), (1, 4), (2, 5), (2, 2), (4, 1)]) == [(1, 4), (2, 2), (3, 1)]
