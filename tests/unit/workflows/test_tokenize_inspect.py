"""The cells that are shown are those that a model uses."""

from pathlib import Path

import numpy as np
import pytest
import torch

from matey_core.batches import FieldBatch
from matey_core.errors import ConfigError
from matey_core.models import ModelConfig, load_model, save_model
from matey_core.models.fno import FnoConfig
from matey_core.models.matey import MateyConfig
from matey_core.runs.creation import create_run
from matey_core.runs.folder import record_of
from matey_core.store import open_store
from matey_core.tokenizers import TokenizerConfig
from matey_core.workflows.tokenize_inspect import InspectReport, inspect
from matey_core.workflows.tokenize_inspect.settings import InspectConfig
from matey_core.workflows.tokenize_inspect.view import _tokenizer
from tests.support import tiny_store

CASES = [
    ("matey", "adap_mix", {"gamma": 0.3}),
    ("matey", "adap_mix", {"ratio": 0.4}),
    ("matey", "adap_mul", {"gamma": 0.3}),
    ("matey", "uniform", {}),
    ("paper", "adap_mix", {"gamma": 0.3}),
    ("paper", "adap_mul", {"gamma": 0.3}),
]


@pytest.mark.parametrize("shape", [(60,), (36, 28), (16, 12, 8)])
@pytest.mark.parametrize(("variant", "name", "budget"), CASES)
def test_tokens_are_those_of_the_model(
    tmp_path: Path, shape: tuple[int, ...], variant: str, name: str, budget: dict[str, float]
) -> None:
    if variant == "paper":
        shape = tuple(8 * (n // 8) for n in shape)
    path = tiny_store(tmp_path, shape=shape, samples=4, frames=6)
    tokenizer = {"name": name, "patch": [8, 4], **budget}
    values = {"variant": variant, "width": 24, "depth": 1, "heads": 2, "tokenizer": tokenizer}
    config = ModelConfig.choose(values)
    store = open_store(path)
    model = config.build(fields=store.spec.names, num_axes=(len(shape),))
    (tmp_path / "model").mkdir()
    save_model(model, tmp_path / "model")
    for sample in range(4):
        report = inspect(
            InspectConfig(source=path, run=tmp_path / "model", sample=sample, time=4, history=3)
        )
        history = torch.from_numpy(store.read(sample, 2, 5))[None]
        batch = FieldBatch(spec=store.spec, history=history, lead_steps=torch.ones(1, 1).long())
        assert report.tokens == load_model(tmp_path / "model").count_tokens(batch).item()
        assert report.tokenizer.name == name


@pytest.fixture
def report(tmp_path: Path) -> InspectReport:
    path = tiny_store(tmp_path, shape=(20, 28), samples=4)
    return inspect(InspectConfig(source=path, runs=tmp_path, patch=(8, 4), ratio=0.5))


def test_the_picture_shows_every_point_of_every_leaf(report: InspectReport) -> None:
    picture = report.picture
    assert picture.values.shape == picture.levels.shape == picture.cells.shape == (28, 20)
    assert [axis.name for axis in picture.axes] == ["y", "x"]
    for number in np.unique(picture.cells):
        rows, columns = np.nonzero(picture.cells == number)
        (level,) = np.unique(picture.levels[rows, columns])
        side = report.levels[level].patch[0]
        top, left = rows.min(), columns.min()
        assert (top % side, left % side) == (0, 0)
        # Cells at the far ends reach beyond the grid and are cut off there.
        height, width = min(side, 28 - top), min(side, 20 - left)
        assert len(rows) == height * width


def test_levels_cover_the_grid_once(report: InspectReport) -> None:
    numbers, first = np.unique(report.picture.cells, return_index=True)
    shown = np.bincount(report.picture.levels.reshape(-1)[first])
    assert [level.cells for level in report.levels] == shown.tolist()
    assert len(numbers) == report.tokens
    assert sum(level.area for level in report.levels) == pytest.approx(1)
    assert report.coarse_tokens == 3 * 4
    assert report.fine_tokens == 5 * 7


def test_volumes_are_cut_at_mid_depth(tmp_path: Path) -> None:
    path = tiny_store(tmp_path, shape=(16, 8, 24), samples=4)
    report = inspect(InspectConfig(source=path, runs=tmp_path, patch=(8, 4), sample=1, time=7))
    assert report.picture.slice_of == "x at point 8 of 16"
    assert [axis.name for axis in report.picture.axes] == ["y", "z"]
    truth = open_store(path).read(1, 7, 8)[0, 0, 8]
    np.testing.assert_array_equal(report.picture.values, truth)


def test_the_drawn_field_does_not_choose_the_cells(tmp_path: Path) -> None:
    path = tiny_store(tmp_path, shape=(32, 32), samples=4)
    config = InspectConfig(source=path, runs=tmp_path, patch=(8, 4), ratio=0.5)
    first = inspect(config).picture
    second = inspect(config.model_copy(update={"field": "velocity_x"})).picture
    np.testing.assert_array_equal(first.cells, second.cells)
    assert not np.array_equal(first.values, second.values)


def test_another_tokenizer_than_that_of_a_model_which_keeps_parents() -> None:
    model = MateyConfig(tokenizer=TokenizerConfig(patch=(8, 4), keep_parents=True))
    assert _tokenizer(InspectConfig(gamma=0.2), model).keep_parents
    uniform = _tokenizer(InspectConfig(tokenizer="uniform", patch=(8,)), model)
    assert (uniform.name, uniform.keep_parents) == ("uniform", False)


def test_the_defaults_are_shown_where_the_newest_model_cuts_no_cells(tmp_path: Path) -> None:
    store = open_store(tiny_store(tmp_path, shape=(32, 32), samples=4))
    run = create_run(tmp_path / "runs", FnoConfig.tiny(), kind="pretrain", name="fno")
    run.record_stores([record_of(store, (0,))])
    run.model.mkdir()
    save_model(FnoConfig.tiny().build(fields=store.spec.names, num_axes=(2,)), run.model)
    report = inspect(InspectConfig(runs=tmp_path / "runs"))
    assert (report.settings_of, report.source) == ("defaults", store.path)
    assert report.tokenizer == TokenizerConfig().with_ratio(0.25)
    with pytest.raises(ConfigError, match="--run needs a model that cuts fields into cells"):
        inspect(InspectConfig(run=run.path))
