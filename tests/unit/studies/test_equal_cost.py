"""Arms, cells, statistics and verdicts of `matey study equal-cost`."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from matey_core.errors import CheckpointError, ConfigError, DataError, MateyError, ShapeError
from matey_core.models.matey import MateyConfig
from matey_core.progress import silent
from matey_core.store import open_store
from matey_core.studies.equal_cost import EqualCostConfig, equal_cost
from matey_core.studies.equal_cost.arms import arms_of
from matey_core.studies.equal_cost.cells import CellLog, Evaluation, cell_of
from matey_core.studies.equal_cost.costs import ArmCost, CostBook
from matey_core.studies.equal_cost.markdown import markdown
from matey_core.studies.equal_cost.plan import Subject, tasks_of
from matey_core.studies.equal_cost.report import StudyReport, report_of, write_report
from matey_core.studies.equal_cost.stores import stores_of
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


def subject(store: Path, config: EqualCostConfig, seconds: float = 0.01) -> Subject:
    """A store with arms whose steps take `seconds`, twice that, and so on."""
    opened = open_store(store)
    found = arms_of(
        levels=config.levels,
        criteria=config.criteria,
        budgets=config.tokens,
        choices=config.arms,
        shape=opened.spec.grid.shape,
    )
    costs = {
        arm.name: ArmCost(
            arm=arm.name,
            tokens=16,
            flops=1000,
            step_seconds=number * seconds,
            step_spread=0.0,
            parameters=1,
        )
        for number, arm in enumerate(found, start=1)
    }
    return Subject(store=opened, arms=found, costs=costs)


def test_a_study_has_complete_seeds_first_and_equal_seconds_mean_steps(
    store_path: Path, tmp_path: Path
) -> None:
    config = tiny_config(store_path, seconds=0.6, learning_rates=(1e-3, 2e-3))
    tasks = tasks_of(config, config.training, [subject(store_path, config)], runs=tmp_path)
    assert [task.cell.config.seed for task in tasks] == [0] * 12 + [1] * 12
    steps = {(task.equal, task.cell.arm.name): task.cell.config.steps for task in tasks}
    # Steps take 0.01, 0.02 and 0.03 s; the finest uniform patch takes 30 of them in 0.6 s.
    mix = "adap_mix-8-4-10-variance"
    assert steps == {
        ("seconds", "uniform-8"): 60,
        ("seconds", "uniform-4"): 30,
        ("seconds", mix): 20,
        **{("steps", name): 30 for name in ("uniform-8", "uniform-4", mix)},
    }
    # The finest uniform patch is the same cell in both comparisons: it is trained once.
    assert len({task.cell.key for task in tasks}) == 20
    shared = {task.cell.key for task in tasks if task.cell.arm.name == "uniform-4"}
    assert len(shared) == 4


def test_a_learning_rate_that_is_named_twice_is_trained_and_counted_once(
    store_path: Path, tmp_path: Path
) -> None:
    config = tiny_config(store_path, only="steps", steps=5, learning_rates=(2e-3, 1e-3, 2e-3))
    it = subject(store_path, config)
    tasks = tasks_of(config, config.training, [it], runs=tmp_path / "runs")
    rates = [(task.cell.config.seed, task.cell.config.optimizer.learning_rate) for task in tasks]
    assert rates == [(seed, rate) for seed in (0, 1) for _ in range(3) for rate in (2e-3, 1e-3)]
    log = CellLog(tmp_path / "cells.jsonl")
    for task in tasks:
        cell, rate = task.cell, task.cell.config.optimizer.learning_rate
        settings = {"arm": cell.arm.name, "seed": cell.config.seed, "learning_rate": rate}
        log.add(result(error=0.1, validation=0.1, key=cell.key, **settings))
    report = report_of(config, "float32", [it], tasks, log)
    assert report.learning_rates == (2e-3, 1e-3)
    [judged] = report.stores[0].comparisons
    assert judged.comparison.seeds == (0, 1)
    assert {len(each.errors["nrmse"].values) for each in judged.comparison.arms} == {2}


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


def test_the_key_of_a_cell_follows_what_changes_its_result(
    store_path: Path, tmp_path: Path
) -> None:
    store, config = open_store(store_path), tiny_config(store_path)
    arm = subject(store_path, config).arms[0]

    def key(runs: Path = tmp_path, data: object = store, **changes: object) -> str:
        training = config.training.model_copy(
            update={name: changes[name] for name in ("batch_size", "data") if name in changes}
        )
        cell = cell_of(
            changes.get("arm", arm),  # type: ignore[arg-type]
            base=training,
            store=data,  # type: ignore[arg-type]
            evaluation=Evaluation(rollout_steps=int(changes.get("rollout", 5)), windows=256),  # type: ignore[call-overload]
            seed=int(changes.get("seed", 0)),  # type: ignore[call-overload]
            steps=int(changes.get("steps", 5)),  # type: ignore[call-overload]
            learning_rate=float(changes.get("rate", 1e-3)),  # type: ignore[arg-type]
            runs=runs,
        )
        assert cell.config.name is not None
        assert cell.config.name.endswith(cell.key)
        return cell.key

    same = key()
    assert key(runs=tmp_path / "elsewhere") == same
    moved = replace(store, path=tmp_path / "moved" / store_path.name)
    assert key(data=moved) == same
    other_data = replace(store, fingerprint="0" * 12)
    differing = [
        key(data=other_data),
        key(seed=1),
        key(steps=6),
        key(rate=2e-3),
        key(rollout=6),
        key(batch_size=2),
        key(arm=subject(store_path, config).arms[1]),
    ]
    assert len({same, *differing}) == 8


def test_a_log_survives_a_kill_and_says_what_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "cells.jsonl"
    log = CellLog(path)
    first = result(error=0.5, validation=0.4, key="a")
    lost = result(error=math.inf, validation=math.inf, key="b", failure="It diverged.", leads=())
    log.add(first)
    log.add(lost)
    with path.open("a") as file:
        file.write('{"event": "cell", "st')
    again = CellLog(path)
    assert again.results == {"a": first, "b": lost}
    third = replace(first, key="c")
    again.add(third)
    assert CellLog(path).results == {"a": first, "b": lost, "c": third}
    path.write_text('{"event": "cell", "step": 3}\n')
    with pytest.raises(CheckpointError, match=r"A line of cells.jsonl is damaged"):
        CellLog(path)


def test_stores_without_a_split_that_is_needed_are_refused(tmp_path: Path) -> None:
    tiny_store(tmp_path / "data", name="whole_periodic", samples=6)
    tiny_store(tmp_path / "data", name="untested_periodic", samples=6, split=(0.8, 0.2, 0.0))
    assert [s.name for s in stores_of(tmp_path / "data", (), history=2)] == ["whole_periodic"]
    with pytest.raises(ConfigError, match="cannot be studied: it has no test trajectory") as found:
        stores_of(tmp_path / "data", ("untested_periodic",), history=2)
    assert "--split" in found.value.remedy
    with pytest.raises(DataError, match=r"can be studied.*whole_periodic: it has 12 frames"):
        stores_of(tmp_path / "data", (), history=12)
    with pytest.raises(ConfigError, match="There is no store 'other'"):
        stores_of(tmp_path / "data", ("other",), history=2)
    with pytest.raises(ConfigError, match="whole_periodic cannot be studied: it has 12 frames") as (
        found
    ):
        stores_of(tmp_path / "data", ("whole_periodic",), history=12)
    assert "--history" in found.value.remedy
    assert "--split" not in found.value.remedy
    with pytest.raises(DataError, match=r"no store in .*nowhere: it does not exist"):
        stores_of(tmp_path / "nowhere", (), history=2)


def test_costs_are_measured_once_and_kept(store_path: Path, tmp_path: Path) -> None:
    import torch

    config, store = tiny_config(store_path), open_store(store_path)
    device, book = torch.device("cpu"), CostBook(tmp_path / "costs.json")
    found = subject(store_path, config).arms
    costs = book.costs(
        found,
        config.training,
        store,
        device=device,
        seconds=0.01,
        on_progress=silent,
    )
    assert {name: cost.tokens for name, cost in costs.items()} == {
        "uniform-8": 4,
        "uniform-4": 16,
        "adap_mix-8-4-10-variance": 10,
    }
    assert costs["uniform-8"].flops < costs["adap_mix-8-4-10-variance"].flops
    assert costs["adap_mix-8-4-10-variance"].flops < costs["uniform-4"].flops

    def no_turn(progress: object) -> None:
        raise AssertionError("measured again")

    again = CostBook(tmp_path / "costs.json").costs(
        found, config.training, store, device=device, seconds=0.01, on_progress=no_turn
    )
    assert again == costs
    fewer = config.training.model_copy(update={"batch_size": 2})
    with pytest.raises(AssertionError, match="measured again"):
        book.costs(found, fewer, store, device=device, seconds=0.01, on_progress=no_turn)


def test_a_report_tells_of_complete_seeds_only(
    store_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tiny_config(store_path, only="steps", steps=5, seeds=3)
    it = subject(store_path, config)
    tasks = tasks_of(config, config.training, [it], runs=tmp_path / "runs")
    log = CellLog(tmp_path / "cells.jsonl")
    for number, task in enumerate(tasks[:-1]):
        cell = task.cell
        log.add(
            result(
                error=0.1 + 0.01 * number,
                validation=0.1,
                key=cell.key,
                arm=cell.arm.name,
                seed=cell.config.seed,
                steps=cell.config.steps,
            )
        )
    report = report_of(config, "float32", [it], tasks, log)
    [judged] = report.stores[0].comparisons
    assert judged.comparison.seeds == (0, 1)
    write_report(report, tmp_path)
    text = (tmp_path / "report.md").read_text("utf-8")
    assert text.startswith(f"# Equal cost\n\n- {judged.verdict.sentence}\n")
    assert "2 of 3 seeds are complete." in text
    assert "| uniform 4 | 5 | 2.5 | 0.125 (0.11–0.14) |" in text
    assert "by chance" not in text
    document = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert document == json.loads(TypeAdapter(StudyReport).dump_json(report))
    assert document["stores"][0]["comparisons"][0]["verdict"]["outcome"] == "uniform"

    monkeypatch.setattr("matey_core.studies.equal_cost.report.find_spec", lambda name: None)
    plain = write_report(report_of(config, "float32", [it], tasks, log), tmp_path / "plain")
    assert plain.plot is None
    assert "matplotlib is not installed" in plain.notes[0]
    assert not (tmp_path / "plain" / "report.png").exists()


def test_a_report_says_how_often_chance_decides(store_path: Path, tmp_path: Path) -> None:
    config = tiny_config(store_path, only="seconds", seconds=0.6, seeds=3)
    it = subject(store_path, config)
    tasks = tasks_of(config, config.training, [it], runs=tmp_path / "runs")
    log = CellLog(tmp_path / "cells.jsonl")
    for task in tasks:
        cell = task.cell
        settings = {"arm": cell.arm.name, "seed": cell.config.seed, "key": cell.key}
        log.add(result(error=0.1, validation=0.1, **settings))
    text = markdown(report_of(config, "float32", [it], tasks, log))
    assert "is better with every seed, by chance, in 25 % of all cases." in text


def test_training_off_its_budget_is_told(store_path: Path, tmp_path: Path) -> None:
    config = tiny_config(store_path, only="seconds", seconds=0.6, seeds=1)
    it = subject(store_path, config)
    tasks = tasks_of(config, config.training, [it], runs=tmp_path / "runs")
    log = CellLog(tmp_path / "cells.jsonl")
    # 60, 30 and 20 steps should last 0.6 s each; the last one's take 0.033 s instead of 0.03.
    for task, seconds in zip(tasks, (0.0105, 0.019, 0.0333), strict=True):
        cell = task.cell
        log.add(
            result(
                error=0.1,
                validation=0.1,
                key=cell.key,
                arm=cell.arm.name,
                steps=cell.config.steps,
                step_seconds=seconds,
            )
        )
    [note] = [n for n in report_of(config, "float32", [it], tasks, log).notes if "trained" in n]
    assert note.startswith("tiny_periodic: instead of 0.6 seconds these arms trained for adap_mix")
    assert "tokens, variance) 0.666." in note


def test_the_picture_joins_what_none_beats() -> None:
    pytest.importorskip("matplotlib")
    from matey_core.studies.equal_cost.plot import pareto

    assert pareto([(3, 1), (1, 4), (2, 5), (2, 2), (4, 1)]) == [(1, 4), (2, 2), (3, 1)]
