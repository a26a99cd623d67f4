"""The studies of the documentation are read, and the one of `extend/study.md` is run."""

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


def test_low_sample_is_a_short_file_of_the_package() -> None:
    study = read_study(Path("low-sample"), ("axes.n_samples=[2]",))
    assert isinstance(study, StudyConfig)
    points = points_of(study)
    check_claims(study.verdicts, points)
    assert len(points) == 3 * 3 * 3
    assert {point.at["n_samples"] for point in points} == {2}
    frozen = [point.finetuning for point in points if point.arm == "frozen_attention"]
    assert {each.finetune.mode for each in frozen if each} == {"frozen_attention"}
    text = (DOCS.parent / "matey_core/studies/files/low-sample.toml").read_text("utf-8")
    assert len(text.splitlines()) <= 40


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
    assert len(points) == 6 * 2 * 4 * 3
    leads = {(point.arm, point.pretraining.max_lead, point.pretraining.leads) for point in points}
    assert {each for each in leads if each[1:] != (1, "all")} == {("all2all", 12, "available")}
    fine = [point.finetuning for point in points]
    assert {(each.max_lead, each.history, each.n_samples) for each in fine if each} == {(1, 4, 16)}
    large = read_study(Path("strategies"), ("scale=gpu", "axes.finetuning.seed=[0]"))
    assert isinstance(large, StudyConfig)
    assert len(points_of(large)) == 6 * 5 * 4 * 3


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
