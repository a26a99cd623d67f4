"""A pyramid without tokens: what it refuses, and what is said of its cells."""

from pathlib import Path

import pytest

from matey_core.errors import ConfigError
from matey_core.models.pyramid import PyramidConfig
from matey_core.tokenizers import TokenizerConfig
from matey_core.workflows.pretrain import pretrain
from matey_core.workflows.profile import ProfileConfig, profile
from matey_core.workflows.rollout import RolloutConfig, rollout
from matey_core.workflows.tokenize_inspect import InspectConfig, inspect
from tests.support import tiny_store
from tests.training import pretrain_config


def without_tokens() -> PyramidConfig:
    """Eight channels, no blocks of tokens."""
    return PyramidConfig.tiny().model_copy(
        update={"depth": 0, "tokenizer": PyramidConfig().tokenizer}
    )


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("flops", 10**9),
        ("seconds", 0.05),
        ("tokens_range", (4, 8)),
        ("jitter", True),
        ("model.scheme", "axial"),
        ("model.tokenizer", TokenizerConfig(name="uniform", patch=(8,))),
    ],
)
def test_settings_of_tokens_are_refused(tmp_path: Path, setting: str, value: object) -> None:
    tiny_store(tmp_path / "data", name="tiny")
    model = without_tokens()
    changes = {setting: value, "model": model}
    if setting.startswith("model."):
        changes = {"model": model.model_copy(update={setting.removeprefix("model."): value})}
    config = pretrain_config(tmp_path, steps=1, **changes)
    with pytest.raises(ConfigError, match=f"^{setting} needs a model .* cuts none"):
        pretrain(config)
    assert not list((tmp_path / "runs").glob("*"))


def test_it_trains_and_its_tokenizer_can_still_be_looked_at(tmp_path: Path) -> None:
    store = tiny_store(tmp_path / "data", name="tiny", shape=(32, 32))
    report = pretrain(pretrain_config(tmp_path, steps=2, model=without_tokens()))
    assert [each.tokens for each in report.start.stores] == [None]
    seen = inspect(InspectConfig(source=store, run=report.run))
    assert not seen.has_tokens
    assert seen.tokens > seen.coarse_tokens


def test_nothing_is_said_of_patches_that_there_are_not(tmp_path: Path) -> None:
    tiny_store(tmp_path / "data", name="tiny", shape=(32, 32))
    run = pretrain(pretrain_config(tmp_path, steps=2, model=without_tokens())).run
    config = RolloutConfig(run=run, data=tmp_path / "data", steps=3, plot=False)
    (rolled,) = rollout(config).stores
    assert not any(lead.patches for lead in rolled.rollout)
    for asked in ({"jitter": True}, {"tokens": 16}):
        with pytest.raises(ConfigError, match="cuts none"):
            rollout(config.model_copy(update=asked))
    measured = profile(ProfileConfig(run=run, data=tmp_path / "data", seconds=0.01))
    (row,) = measured.rows
    assert row.tokenizer == ""
    assert row.cost is not None
    assert row.cost.tokens is None
