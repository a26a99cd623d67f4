"""Budgets of whole runs: settled at the start, written into the run, changed at inference."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from matey_core.config import read_toml
from matey_core.distributed import join
from matey_core.errors import ConfigError
from matey_core.models import load_model
from matey_core.runs.budget import inputs_of
from matey_core.runs.sources import sources_of
from matey_core.runs.token_plan import plan_tokens
from matey_core.store import open_store
from matey_core.tokenizers import TokenizerConfig
from matey_core.workflows.finetune import finetune
from matey_core.workflows.pretrain import pretrain
from matey_core.workflows.rollout import rollout
from matey_core.workflows.rollout.settings import RolloutConfig
from tests.support import tiny_store
from tests.training import events, finetune_config, pretrain_config, tiny_model


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    tiny_store(folder / "data", shape=(32, 32), samples=4, frames=6)
    tiny_store(
        folder / "data",
        name="line_periodic",
        shape=(128,),
        samples=4,
        frames=6,
        fields=("density",),
    )
    return folder


@pytest.fixture(scope="module")
def trained(project: Path) -> Path:
    """A run whose operations buy as many tokens as the dearer of two stores allows."""
    return pretrain(pretrain_config(project, steps=2, flops=6e6, name="flops")).run


def test_operations_become_tokens_that_the_run_and_its_model_keep(trained: Path) -> None:
    settings = read_toml(trained / "config.toml")
    tokenizer = load_model(trained / "model").config.tokenizer
    assert "flops" not in settings
    assert settings["model"]["tokenizer"]["budget"] == {
        "name": "tokens",
        "tokens": tokenizer.tokens,
    }
    assert tokenizer.ratio is None
    (start,) = events(trained, "start")
    stores = {store["name"]: store for store in start["stores"]}
    plane, line = stores["tiny_periodic"], stores["line_periodic"]
    assert plane["fewest_tokens"] == plane["most_tokens"] == tokenizer.tokens
    assert line["tokens"] == 32  # the finest cells everywhere
    assert 0.9 * 6e6 < plane["flops"] <= 6e6
    assert line["flops"] < plane["flops"]
    assert any("The budget of 6 MFLOP allows" in note for note in start["notes"])


def test_too_few_operations_leave_no_run(project: Path) -> None:
    with pytest.raises(ConfigError, match="16 coarsest cells of the largest grid take"):
        pretrain(pretrain_config(project, flops=1e5, name="poor"))
    assert not (project / "runs" / "poor").exists()


def test_seconds_are_measured(project: Path) -> None:
    run = pretrain(pretrain_config(project, steps=1, seconds=60.0, name="rich")).run
    assert load_model(run / "model").config.tokenizer.tokens == 64
    (start,) = events(run, "start")
    assert any("s a step of 4 windows, measured" in note for note in start["notes"])
    with pytest.raises(ConfigError, match="1e-06 s a step are too few: with the 16 coarsest"):
        pretrain(pretrain_config(project, seconds=1e-6))


@pytest.mark.slow
def test_drawn_numbers_follow_from_seed_and_step(project: Path) -> None:
    config = pretrain_config(project, tokens_range=(16, 64))
    stores = [open_store(path) for path in sorted((project / "data" / "zarr").iterdir())]
    sources, _ = sources_of(
        stores, history=2, max_lead=1, choose=lambda store: store.samples("train")
    )
    model = tiny_model().build(fields=["density", "velocity_x"], num_axes=[1, 2])

    def draw(step: int, **changes: Any) -> int:
        changed = config.model_copy(update=changes)
        plan = plan_tokens(changed, model.config, sources, join(), make=lambda: model)
        (within,) = plan.each_step()
        state: Any = SimpleNamespace(model=model, step=step)
        with within(state, None):  # type: ignore[arg-type]
            assert model.tokenizing.tokens is not None
            return model.tokenizing.tokens

    numbers = [draw(step) for step in range(60)]
    assert len(set(numbers)) == 8
    assert (min(numbers), max(numbers)) == (16, 64)
    assert [draw(step) for step in range(20, 30)] == numbers[20:30]
    assert [draw(step, seed=1) for step in range(60)] != numbers
    assert model.tokenizing == model.config.tokenizer


def test_a_range_trains_and_the_largest_is_kept(project: Path) -> None:
    run = pretrain(pretrain_config(project, steps=6, tokens_range=(16, 40), name="range")).run
    assert load_model(run / "model").config.tokenizer.tokens == 40
    assert read_toml(run / "config.toml")["tokens_range"] == [16, 40]
    rows = events(run, "step")
    frames = {row["step"]: row["tokens"] / (4 * 2) for row in rows}  # 4 windows of 2 frames
    most = {"tiny_periodic": 40, "line_periodic": 32}
    assert all(16 <= frames[row["step"]] <= most[row["store"]] for row in rows)
    assert len(set(frames.values())) > 1
    uniform = tiny_model(tokenizer=TokenizerConfig(name="uniform", patch=(8,)))
    with pytest.raises(ConfigError, match="needs an adaptive tokenizer"):
        pretrain(pretrain_config(project, tokens_range=(16, 40), model=uniform))


def test_another_budget_at_inference_and_in_finetuning(project: Path, trained: Path) -> None:
    config = RolloutConfig(run=trained, steps=1, windows=2, out=project / "out")
    plain = rollout(config)
    assert plain.budget == ""
    richer = rollout(config.model_copy(update={"tokens": 61}))
    assert richer.budget.startswith("The budget of 61 tokens allows 61 tokens a frame")
    errors = [report.stores[0].one_step_mean["nrmse"].error for report in (plain, richer)]
    assert errors[0] != errors[1] or plain.stores[0].store == "line_periodic"
    with pytest.raises(ConfigError, match="15 tokens are fewer than the 16 coarsest cells"):
        rollout(config.model_copy(update={"tokens": 15}))
    tuned = finetune(finetune_config(project, source=trained, steps=1, tokens=19)).run
    assert load_model(tuned / "model").config.tokenizer.tokens == 19
    assert read_toml(tuned / "config.toml")["tokens"] == 19


def test_a_ladder_lets_stores_cost_alike(project: Path) -> None:
    tokenizer = TokenizerConfig(patch=(16, 8, 4), coarse_cells=16, tokens=32)
    run = pretrain(
        pretrain_config(project, steps=1, model=tiny_model(tokenizer=tokenizer), name="even")
    ).run
    (start,) = events(run, "start")
    assert [store["tokens"] for store in start["stores"]] == [32, 32]
    model = load_model(run / "model")
    assert set(model.stems) == {"16", "8", "4", "16x16", "8x8", "4x4"}  # type: ignore[arg-type]
    store = open_store(project / "data" / "zarr" / "line_periodic.zarr")
    assert tokenizer.on(inputs_of(store, history=2).grid).patch == (8, 4)
