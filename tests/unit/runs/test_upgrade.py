"""Settings of earlier versions become those of today, once."""

import tarfile
from pathlib import Path
from typing import Any

import pytest

from matey_core.augmentations.noise import NoiseConfig
from matey_core.config import validate
from matey_core.errors import ConfigError
from matey_core.losses import LossConfig
from matey_core.losses.change import ChangeConfig
from matey_core.losses.nrmse import NrmseConfig
from matey_core.losses.relative_mse import RelativeMseConfig
from matey_core.models.paper import PaperTokenizerConfig
from matey_core.models.pyramid import PyramidConfig
from matey_core.optimizers.adamw import AdamwConfig
from matey_core.optimizers.muon import MuonConfig
from matey_core.runs.settings import TrainingConfig
from matey_core.runs.upgrade import upgraded, upgraded_run
from matey_core.schedules.warmup_cosine import WarmupCosineConfig
from matey_core.workflows.finetune import FinetuneConfig
from matey_core.workflows.pretrain import PretrainConfig

WRITTEN = Path(__file__).parents[2] / "fixtures" / "v0_1" / "written.tar.xz"


def read(**values: Any) -> TrainingConfig:
    """Upgrade and validate; a second upgrade changes nothing."""
    once = upgraded(TrainingConfig, values, source="old.toml")
    assert upgraded(TrainingConfig, once, source="old.toml") == once
    return validate(TrainingConfig, once, source="old.toml")


def test_settings_move_into_the_section_of_their_part() -> None:
    config = read(objective="relative_mse", learning_rate=0.02, weight_decay=0.5, warmup=0.25)
    assert config.loss == RelativeMseConfig()
    assert config.objective.name == "pushforward"
    assert config.optimizer == AdamwConfig(learning_rate=0.02, weight_decay=0.5)
    assert config.schedule == WarmupCosineConfig(warmup=0.25)


def test_what_is_of_today_stays() -> None:
    values = {"objective": "one_step", "optimizer": {"weight_decay": 0.0}, "learning_rate": 0.5}
    assert read(**values).optimizer == AdamwConfig(learning_rate=0.5, weight_decay=0.0)
    assert read(optimizer="adamw", weight_decay=0.5).optimizer == AdamwConfig(weight_decay=0.5)
    expected = TrainingConfig.model_validate({"loss": "nrmse"})
    assert read(objective={"name": "nrmse"}, loss="nrmse") == expected


@pytest.mark.parametrize(
    ("values", "strengths"),
    [
        ({}, {}),
        ({"noise": 0.1}, {"noise": 0.1}),
        ({"noise": 0}, {}),
        ({"noise": 0.1, "augment": ["flip", "noise"]}, {"flip": 1.0, "noise": 0.1}),
        ({"noise": 0.0, "augment": ["flip", "noise"]}, {"flip": 1.0}),
        ({"noise": 0.0, "augment": ["noise", "flip"]}, {"noise": 0.0, "flip": 1.0}),
        ({"noise": 0.1, "augment": ["flip"]}, {"flip": 1.0}),
        ({"noise": 0.1, "augment": [{"name": "noise", "strength": 0.1}]}, {"noise": 0.1}),
    ],
)
def test_the_noise_has_a_strength_of_its_own(
    values: dict[str, Any], strengths: dict[str, float]
) -> None:
    assert {part.name: part.strength for part in read(**values).augment} == strengths  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("values", "new"),
    [
        ({"learning_rate": 0.1, "optimizer": {"learning_rate": 0.2}}, "optimizer.learning_rate"),
        ({"objective": "nrmse", "loss": "relative_mse"}, "loss"),
        ({"noise": 0.1, "augment": [{"name": "noise", "strength": 0.2}]}, "augment"),
    ],
)
def test_two_names_with_two_values_are_refused(values: dict[str, Any], new: str) -> None:
    with pytest.raises(ConfigError, match=rf"old.toml: .* is now called {new}, which is given"):
        read(**values)


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"learning_rate": 0.1, "optimizer": 3}, "optimizer: should be a section"),
        ({"objective": "nrmse", "loss": 3}, "loss: should be a section"),
        (
            {"objective": {"name": "nrmse", "horizon": 3}},
            "objective: unknown name 'nrmse' in objectives",
        ),
        ({"noise": 0.1, "augment": 3}, "augment: input should be a valid array"),
        ({"noise": 0.1, "augment": [3]}, "augment.0: should be a section"),
    ],
)
def test_what_is_no_part_is_a_mistake_of_its_own(values: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        read(**values)


def test_what_version_0_1_wrote_is_read(tmp_path: Path) -> None:
    with tarfile.open(WRITTEN) as archive:
        archive.extractall(tmp_path, filter="data")

    def of_run(name: str, kind: type[TrainingConfig]) -> TrainingConfig:
        path = tmp_path / "runs" / name / "config.toml"
        return validate(kind, upgraded_run(kind, path), source=str(path))

    paper = of_run("paper", PretrainConfig)
    assert (paper.loss, paper.augment) == (RelativeMseConfig(), ())
    own = PaperTokenizerConfig(patch=(8, 4))
    found = {key: getattr(paper.model, key) for key in ("variant", "position", "tokenizer")}
    assert found == {"variant": "paper", "position": "none", "tokenizer": own}
    finetuned = of_run("finetuned", FinetuneConfig)
    assert finetuned.optimizer == AdamwConfig(learning_rate=5e-4)
    assert finetuned.augment == (NoiseConfig(strength=0.3),)
    assert isinstance(finetuned, FinetuneConfig)
    assert finetuned.finetune.mode == "frozen_attention"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("written", "loss"),
    [
        ("steps = 3", NrmseConfig()),
        ('objective = "relative_mse"', RelativeMseConfig()),
        ('[loss]\nname = "change"', ChangeConfig()),
    ],
)
def test_a_run_keeps_the_loss_that_it_was_trained_with(
    written: str, loss: LossConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.toml").write_text(written)
    for default in ("nrmse", "change"):
        monkeypatch.setattr(LossConfig, "default", default)
        values = upgraded_run(PretrainConfig, tmp_path / "config.toml")
        assert validate(PretrainConfig, values, source="").loss == loss


def test_a_run_from_before_draws_all_windows_alike(tmp_path: Path) -> None:
    for written, expected in (("steps = 3", "uniform"), ('draw = "change"', "change")):
        (tmp_path / "config.toml").write_text(written)
        values = upgraded_run(PretrainConfig, tmp_path / "config.toml")
        assert validate(PretrainConfig, values, source="").draw == expected
    assert PretrainConfig().draw == "change"
    (tmp_path / "config.toml").write_text("steps = 3")
    tuned = validate(
        FinetuneConfig, upgraded_run(FinetuneConfig, tmp_path / "config.toml"), source=""
    )
    assert (tuned.subset, FinetuneConfig().subset) == ("store", "seed")


def test_a_run_keeps_the_model_that_it_was_trained_with(tmp_path: Path) -> None:
    for written, expected in (("", False), ("global_context = true", True)):
        text = f'[model]\nvariant = "pyramid"\n{written}'
        (tmp_path / "config.toml").write_text(text)
        values = upgraded_run(PretrainConfig, tmp_path / "config.toml")
        model = validate(PretrainConfig, values, source="").model
        assert isinstance(model, PyramidConfig)
        assert model.global_context is expected
    assert isinstance(PretrainConfig().model, PyramidConfig)
    assert PretrainConfig().model == PyramidConfig(global_context=True)


def test_fine_tuning_has_the_rate_of_pretraining() -> None:
    assert FinetuneConfig().optimizer == MuonConfig(learning_rate=4e-3)
    config = validate(FinetuneConfig, {"optimizer": "adamw"}, source="")
    assert config.optimizer == AdamwConfig()
