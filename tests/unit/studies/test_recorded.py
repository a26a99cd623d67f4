"""Cells that version 0.1 recorded give the verdicts that it gave."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from matey_core.cells.log import CellLog
from matey_core.studies.comparison import compare
from matey_core.studies.criterion import CHANCE, CriterionConfig, study_criterion
from matey_core.studies.equal_cost.costs import ArmCost
from matey_core.studies.equal_cost.verdict import verdict_of
from matey_core.studies.rules import RuleConfig
from tests.support import tiny_store
from tests.unit.studies.equal_cost import arms, task

RECORDED = Path(__file__).parents[2] / "fixtures" / "studies"


@pytest.mark.parametrize("equal", ["seconds", "steps"])
def test_equal_cost(equal: Any) -> None:
    report = json.loads((RECORDED / "equal_cost_report.json").read_text("utf-8"))
    [store] = report["stores"]
    [judged] = [each for each in store["comparisons"] if each["comparison"]["equal"] == equal]
    expected, path = judged["comparison"], RECORDED / "equal_cost_cells.jsonl"
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    steps = {each["arm"]["name"]: each["steps"] for each in expected["arms"]}
    tasks = [
        task(
            row["arm"],
            row["learning_rate"],
            row["seed"],
            key=row["key"],
            equal=equal,
            amount=expected["amount"],
        )
        for row in rows
        if steps[row["arm"]] == row["step"]
    ]
    assert len(tasks) == 24
    order = sorted(tasks, key=lambda each: list(steps).index(each.point.arm))
    [found] = compare(
        order, CellLog(path).results, RuleConfig(intervals="range"), reference="uniform-4"
    )
    assert found.persistence == {**expected["persistence"], "last": math.inf}  # was not kept
    for each, before in zip(found.arms, expected["arms"], strict=True):
        assert each.arm == before["arm"]["name"]
        assert each.learning_rate == before["learning_rate"]
        assert each.train_seconds == pytest.approx(before["train_seconds"])
        for name in ("nrmse", "vrmse", "rollout"):
            assert list(each.errors[name].values) == before["errors"][name]["values"]
            assert each.errors[name].median == before["errors"][name]["median"]
            assert each.ratios[name].high == before["ratios"][name]["high"]
    own = arms(levels=(8, 4), budgets=("10",), shape=(16, 16))
    verdict = verdict_of(
        found,
        "nrmse",
        arms={arm.name: arm for arm in own},
        costs={cost["arm"]: ArmCost(**cost) for cost in store["costs"]},
    )
    said = verdict.sentence.replace("On waves", "On tiny_periodic")
    assert said == judged["verdict"]["sentence"]
    assert (verdict.outcome, verdict.adaptive, verdict.uniform) == tuple(
        judged["verdict"][key] for key in ("outcome", "adaptive", "uniform")
    )


def test_criterion(tmp_path: Path) -> None:
    """The audit of the store that 0.1 audited; the second time its lines are read."""
    path = tiny_store(tmp_path, samples=8, frames=12)
    config = CriterionConfig(
        data=path, without_model=True, split="all", patch=4, out=tmp_path / "picture.png"
    )
    report = study_criterion(config)
    [audit] = report.stores
    expected = json.loads((RECORDED / "criterion.json").read_text("utf-8"))
    assert [each.criterion for each in audit.criteria] == [
        each["criterion"] for each in expected["criteria"]
    ]
    for each, before in zip(audit.criteria, expected["criteria"], strict=True):
        if each.criterion == CHANCE:  # a hash of values to the last bit, which processors differ in
            continue
        assert each.captured.value == pytest.approx(before["captured"]["value"], rel=1e-5)
        assert each.gain == pytest.approx(before["gain"], rel=1e-4, abs=1e-6)
        assert each.curve == pytest.approx(before["curve"], rel=1e-5)

    def no_window(progress: object) -> None:
        raise AssertionError("audited again")

    assert study_criterion(config, no_window).stores == report.stores
    other = config.model_copy(update={"share": 0.5})
    with pytest.raises(AssertionError, match="audited again"):
        study_criterion(other, no_window)
