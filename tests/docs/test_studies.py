"""The studies of the documentation are read, and the one of `extend/study.md` is run."""

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from matey_core.config import validate
from matey_core.errors import ConfigError
from matey_core.studies.arena.settings import ArenaConfig
from matey_core.studies.criterion import CriterionConfig
from matey_core.studies.equal_cost import EqualCostConfig
from matey_core.studies.expansion import points_of
from matey_core.studies.judging import check_claims
from matey_core.studies.reading import read_study
from matey_core.studies.runner import run_study
from matey_core.studies.settings import StudyConfig
from matey_core.studies.verdicts import VERDICTS
from matey_core.workflows.finetune import FinetuneConfig
from tests.support import tiny_store

DOCS = Path(__file__).parents[2] / "docs"


def blocks(page: str, language: str) -> list[str]:
    text = (DOCS / page).read_text("utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


@pytest.fixture
def every_seed() -> Iterator[None]:
    [code] = blocks("extend/study.md", "python")
    exec(compile(code, "study.md", "exec"), {"__name__": "study.md"})
    yield
    del VERDICTS._entries["every_seed"]


def test_the_guides_example_is_a_study() -> None:
    text, simulations = blocks("guides/studies.md", "toml")
    study = validate(StudyConfig, tomllib.loads(text), source="guide")
    points = points_of(study)
    check_claims(study.verdicts, points)
    # 3 seeds × 2 losses × 2 budgets × (1 learning rate of the wide arm, 2 of the deep one).
    assert len(points) == 36
    assert {point.pretraining.loss.name for point in points} == {"nrmse", "relative_mse"}
    values = tomllib.loads(text) | tomllib.loads(simulations)
    assert values.pop("scales")["gpu"]["simulation"] == {"grid": 128}
    assert list(validate(StudyConfig, values, source="guide").simulations) == ["poisson", "far"]


def test_the_study_and_its_rule_run(every_seed: None, tmp_path: Path) -> None:
    tiny_store(tmp_path / "data", samples=6, frames=6)
    [text] = blocks("extend/study.md", "toml")
    values: dict[str, Any] = tomllib.loads(text)
    values["pretraining"]["data"] = str(tmp_path / "data")
    report = run_study(validate(StudyConfig, values, source="study.md"), out=tmp_path / "out")
    assert report is not None
    [comparison] = report.comparisons
    [verdict] = report.verdicts
    largest = max(comparison.arms[1].ratios["nrmse"].values)
    assert verdict.outcome == ("holds" if largest < 1 else "fails")
    assert f"at most {largest:.3g} times the nrmse of narrow" in verdict.sentence


def test_low_sample_has_all_controls() -> None:
    study = read_study(Path("low-sample"), ("axes.finetuning.seed=[0]",))
    assert isinstance(study, StudyConfig)
    points = points_of(study)
    check_claims(study.verdicts, points)
    assert len(points) == 9 * 2 * 5
    assert not any(point.needs_pretraining for point in points)
    tuned = {point.arm: point.finetuning for point in points}
    assert {arm for arm, each in tuned.items() if each and not each.steps} == {"zero_shot"}
    assert {arm for arm, each in tuned.items() if each and not each.source} == {"fno", "unet"}
    assert {point.arm for point in points if point.forecast} == {"ridge", "local_linear"}
    large = read_study(Path("low-sample"), ("scale=gpu",))
    assert isinstance(large, StudyConfig)
    points = points_of(large)
    check_claims(large.verdicts, points)
    firsts = {point.arm: point for point in points}
    own = {arm for arm, point in firsts.items() if point.needs_pretraining}
    assert own == {"full", "lora", "head_only", "zero_shot", "frozen_attention"}
    random = firsts["random_attention"].finetuning
    assert random is not None
    assert (random.from_scratch, random.finetune.mode) == (True, "frozen_attention")


@pytest.mark.slow
def test_low_sample_runs_in_an_empty_folder(tmp_path: Path) -> None:
    few = ("simulation.samples=8", "simulation.grid=32", "verdicts=[]", "evaluation.steps=3")
    few += ("axes.n_samples=[1]", "axes.finetuning.seed=[0]", "evaluation.windows=4")
    few += ("budget.equal=['steps']", "budget.steps=2", "finetuning.precision='float32'")
    study = read_study(Path("low-sample"), (f"simulated={tmp_path / 'data'}", *few))
    assert isinstance(study, StudyConfig)
    report = run_study(study, out=tmp_path / "out")
    assert report is not None
    assert [each.at["finetuning.data"] for each in report.comparisons] == ["thermals", "cavity"]
    for comparison in report.comparisons:
        steps = {each.arm: each.steps for each in comparison.arms}
        assert {arm for arm, count in steps.items() if not count} == {
            "zero_shot", "ridge", "local_linear",
        }  # fmt: skip
        assert {each.diverged for each in comparison.arms} == {0}
        assert comparison.amount == 2
    runs = sorted(path.name.partition("-")[0] for path in (tmp_path / "out/runs").iterdir())
    assert runs == ["finetuning"] * 14 + ["matey"] + ["untrained"] * 4
    rows = [json.loads(row) for row in (tmp_path / "out/cells.jsonl").read_text().splitlines()]
    cells = {(row["arm"], row["at"]["finetuning.data"]): row for row in rows if "arm" in row}
    blended = cells["ridge", "thermals"]["persistence"]
    assert blended == pytest.approx(cells["full", "thermals"]["persistence"], rel=1e-5)


def test_every_operator_is_compared_with_its_own_pretraining() -> None:
    study = read_study(Path("transfer-scaling"))
    assert isinstance(study, StudyConfig)
    points = points_of(study)
    check_claims(study.verdicts, points)
    # Data × seeds × numbers of samples: of its own pretraining, of scratch, of mixed, of union.
    assert len(points) == 9 * 3 * (3 + 3 + 2 + 2)
    own = [point for point in points if point.arm not in ("mixed", "scratch", "union")]
    union = next(point for point in points if point.arm == "union")
    assert union.pretraining.steps == 3 * own[0].pretraining.steps
    assert len(own) == 9 * 3 * 3
    for point in own:
        assert str(point.at["finetuning.data"]).startswith(point.arm)
        assert str(point.pretraining.data) == f"data/transfer-scaling/{point.arm}"


def test_ways_of_pretraining_are_compared_on_every_equation_with_both_models() -> None:
    study = read_study(Path("strategies"))
    assert isinstance(study, StudyConfig)
    points = points_of(study)
    check_claims(study.verdicts, points)
    assert len(points) == (17 * 7 - 1) * 2 * 3  # arms, data, models, seeds
    rolls = {str(point.finetuning.data) for point in points if _rolls(point.finetuning)}
    assert len(rolls) == 6
    assert "data/strategies/vorticity" not in rolls
    leads = {(point.arm, point.pretraining.max_lead, point.pretraining.leads) for point in points}
    assert {each for each in leads if each[1:] != (1, "all")} == {("all2all", 12, "available")}
    fine = [point.finetuning for point in points]
    assert {(each.max_lead, each.history, each.n_samples) for each in fine if each} == {(1, 4, 16)}
    large = read_study(Path("strategies"), ("scale=gpu", "axes.finetuning.seed=[0]"))
    assert isinstance(large, StudyConfig)
    assert len(points_of(large)) == (17 * 7 - 1) * 5 * 3


def _rolls(config: FinetuneConfig | None) -> bool:
    return config is not None and any(each.name == "roll" for each in config.augment)


def test_studies_of_other_kinds_are_files_as_well() -> None:
    equal = read_study(Path("equal-cost"), ("levels=[8,4]",))
    assert isinstance(equal, EqualCostConfig)
    assert (equal.levels, equal.seconds) == ((8, 4), 600.0)
    audit = read_study(Path("criterion"), ("without_model=true",))
    assert isinstance(audit, CriterionConfig)
    assert audit.without_model
    with pytest.raises(ConfigError, match="unknown setting 'shares'; did you mean 'share'"):
        read_study(Path("criterion"), ("shares=0.5",))


def test_the_arena_takes_as_long_as_the_guide_says() -> None:
    arena = read_study(Path("arena"), ())
    assert isinstance(arena, ArenaConfig)
    tried = [len(arm.learning_rates) for arm in arena.arms.values()]
    assert (len(tried), set(tried), len(arena.simulations)) == (7, {3}, 9)
    seconds = len(arena.simulations) * arena.seconds
    hours = seconds * sum(arena.seeds + arena.choice * rates for rates in tried) / 3600
    assert (round(hours), arena.seconds) == (8, 120)
    text = " ".join((DOCS / "guides/studies.md").read_text("utf-8").split())
    assert "trains seven models with three learning rates and three seeds on nine" in text
    assert "eight hours of one core at 120 s" in text
