"""Audits where it is known in which cells the error lies."""

import math
import sys
from pathlib import Path
from typing import Literal

import h5py
import numpy as np
import pytest
import torch

from matey_core.data import Windows
from matey_core.errors import ConfigError, DataError, MateyError, RunError
from matey_core.models import Model, load_model, save_model
from matey_core.models.matey import MateyConfig
from matey_core.store import open_store
from matey_core.studies.criterion import (
    CriterionConfig,
    CriterionReport,
    FoundError,
    study_criterion,
)
from matey_core.studies.criterion.subject import coarse_pass
from matey_core.tokenizers import TokenizerConfig
from matey_core.workflows.prepare import PrepareConfig, prepare
from tests.support import tiny_store
from tests.unit.workflows.runs import tiny_run

SIDE = 8
ALIVE = ((0, 1), (2, 3), (3, 0))
"""Cells of 8×8 points in which something changes; all others are textured and still."""


def store_of(folder: Path, *, points: int = 32, name: str = "blinking") -> Path:
    """Make a store of still noise in which three cells blink, each with a faint smooth bump."""
    generator = np.random.default_rng(0)
    texture = np.repeat(generator.normal(size=(6, 1, points, points)), 10, axis=1)
    bump = np.hanning(SIDE + 2)[1:-1]
    for x, y in ALIVE:
        part = texture[:, :, SIDE * x : SIDE * (x + 1), SIDE * y : SIDE * (y + 1)]
        blink = np.cos(0.7 * np.arange(10))[None, :, None, None]
        part[...] = 0.3 * blink * np.outer(bump, bump)[: part.shape[2], : part.shape[3]]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}_periodic.hdf5"
    with h5py.File(path, "w") as file:
        file["density"] = texture.astype(np.float32)
        for axis in "xy":
            file[f"{axis}-coordinate"] = ((np.arange(points) + 0.5) / points).astype(np.float32)
        file["t-coordinate"] = (0.05 * np.arange(11)).astype(np.float32)
        file.attrs.update(eta=0.1, zeta=0.1)
    prepare(PrepareConfig(source=folder, reader="pdebench", out=folder / "zarr"))
    return folder / "zarr"


@pytest.fixture(scope="module")
def blinking(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return store_of(tmp_path_factory.mktemp("blinking"))


def audit(
    data: Path,
    share: float,
    *criteria: str,
    patch: int = SIDE,
    split: Literal["test", "all"] = "all",
) -> CriterionReport:
    return study_criterion(
        CriterionConfig(
            data=data,
            without_model=True,
            split=split,
            patch=patch,
            share=share,
            criteria=criteria,
            batch_size=36,
            out=data.parent / "picture.png",
        )
    )


def found(report: CriterionReport) -> dict[str, FoundError]:
    (store,) = report.stores
    return {row.criterion: row for row in store.criteria}


@pytest.fixture(scope="module")
def report(blinking: Path) -> CriterionReport:
    names = ("variance", "gradient", "laplacian", "innovation", "gradient+innovation", "oracle")
    return audit(blinking, 3 / 16, *names)


def test_oracle_and_innovation_find_what_blinks_and_variance_is_led_astray(
    report: CriterionReport,
) -> None:
    (store,) = report.stores
    assert (store.chosen, store.num_cells, store.cells) == (3, 16, (4, 4))
    assert (store.trajectories, store.windows, store.left_out) == (6, 36, 0)
    rows = found(report)
    assert rows["oracle"].captured.value == pytest.approx(1.0)
    assert rows["innovation"].captured.value == pytest.approx(1.0)
    assert rows["innovation"].gain == pytest.approx(1.0)
    for name in ("variance", "gradient", "laplacian"):
        assert rows[name].captured.value == pytest.approx(0.0, abs=1e-9)
    assert rows["innovation"].correlation.value > 0.99 > 0.0 > rows["variance"].correlation.value
    names = [row.criterion for row in store.criteria]
    assert names[:2] == ["oracle", "innovation"]
    assert names[-1] == "random"


def test_half_of_what_blinks_is_half_of_the_error(blinking: Path) -> None:
    rows = found(audit(blinking, 1 / 16, "innovation"))
    assert list(rows) == ["oracle", "innovation", "random"]
    assert rows["oracle"].captured.value == pytest.approx(1 / 3, rel=1e-3)
    assert rows["innovation"].captured.value == pytest.approx(1 / 3, rel=1e-3)


def test_chance_captures_its_share(report: CriterionReport) -> None:
    lot = found(report)["random"]
    # Hypergeometric: 3 of 16 cells for 3 that matter, over 36 windows.
    spread = math.sqrt(3 / 16 * 13 / 16 / 3 * 13 / 15 / 36)
    assert lot.captured.value == pytest.approx(3 / 16, abs=3 * spread)
    assert lot.correlation.value == pytest.approx(0.0, abs=3 / math.sqrt(36 * 15))
    assert np.abs(np.array(lot.curve) - np.linspace(0, 1, 101)).max() < 0.15


def test_the_largest_of_several_finds_it_too_where_the_other_is_blind(
    report: CriterionReport,
) -> None:
    rows = found(report)
    assert rows["gradient"].curve[50] == pytest.approx(0.0, abs=1e-9)
    assert rows["gradient+innovation"].curve[50] == pytest.approx(1.0)


def test_cells_beyond_the_grid_hold_nothing_and_nothing_is_lost(tmp_path: Path) -> None:
    store = store_of(tmp_path, points=28)
    rows = found(audit(store, 3 / 16, "innovation"))
    assert rows["oracle"].captured.value == pytest.approx(1.0)
    # Cells at the end wrap around, and there see two of those that blink.
    assert found(audit(store, 5 / 16, "innovation"))["innovation"].captured.value == (
        pytest.approx(1.0)
    )


def test_the_picture_is_a_png_and_says_what_is_missing_without_matplotlib(
    blinking: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("innovation", "gradient")
    report = audit(blinking, 0.25, *names)
    assert report.picture is not None
    assert report.picture.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    without = audit(blinking, 0.25, *names)
    assert without.picture is None
    assert "matplotlib is not installed" in without.no_picture
    assert without.stores == report.stores


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"criteria": ("gradeint",)}, "unknown name 'gradeint'"),
        ({"criteria": ("learned",)}, "trained with it"),
        ({"store": ("nothing",)}, "no store 'nothing'"),
        ({"data": Path("nowhere")}, "no store in nowhere: it does not exist"),
    ],
)
def test_what_cannot_be_is_refused(
    blinking: Path, changes: dict[str, object], expected: str
) -> None:
    values = {"data": blinking, "without_model": True, "patch": SIDE, **changes}
    config = CriterionConfig(**values)  # type: ignore[arg-type]
    with pytest.raises((ConfigError, DataError), match=expected):
        study_criterion(config)


@pytest.mark.parametrize(
    ("changes", "expected", "remedy"),
    [
        ({"history": 40}, "10 frames are fewer", "Take a smaller --history or --lead."),
        ({"lead": 40}, "10 frames are fewer", "Take a smaller --history or --lead."),
        ({"patch": 64}, "smaller than a cell", "Take a smaller --patch."),
    ],
)
def test_the_remedy_is_that_of_what_hinders(
    blinking: Path, changes: dict[str, object], expected: str, remedy: str
) -> None:
    values = {"data": blinking, "without_model": True, "patch": SIDE, **changes}
    with pytest.raises(DataError, match=expected) as found:
        study_criterion(CriterionConfig(**values))  # type: ignore[arg-type]
    assert found.value.remedy == remedy


@pytest.mark.parametrize(
    ("name", "error", "expected"),
    [
        ("x.foo", ConfigError, "ends in .foo; a picture ends in .png, .pdf, .svg"),
        ("x", ConfigError, "ends in nothing"),
        ("", ConfigError, "is a folder"),
        ("a-file/x.png", RunError, "x.png cannot be written"),
    ],
)
def test_a_picture_that_cannot_be_is_refused_before_the_audit(
    blinking: Path, tmp_path: Path, name: str, error: type[MateyError], expected: str
) -> None:
    def no_step(progress: object) -> None:
        raise AssertionError("audited")

    (tmp_path / "a-file").touch()
    config = CriterionConfig(data=blinking, without_model=True, split="all", out=tmp_path / name)
    with pytest.raises(error, match=expected) as found:
        study_criterion(config, no_step)
    assert found.value.remedy
    with pytest.raises(AssertionError, match="audited"):
        study_criterion(config.model_copy(update={"out": tmp_path / "there" / "x.PNG"}), no_step)
    assert list((tmp_path / "there").iterdir()) == []


def test_a_picture_can_be_a_drawing(blinking: Path, tmp_path: Path) -> None:
    config = CriterionConfig(
        data=blinking,
        without_model=True,
        split="all",
        criteria=("innovation",),
        out=tmp_path / "curves.svg",
    )
    report = study_criterion(config)
    assert report.picture == config.out
    assert "<svg" in (tmp_path / "curves.svg").read_text("utf-8")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    tiny_run(folder, tiny_store(folder, samples=8, frames=9, split=(0.5, 0.25, 0.25)))
    return folder


@torch.no_grad()
def spoil(model: Model, levels: str) -> Model:
    """Make stems and heads of some patch sizes answer NaN."""
    for name, weight in model.named_parameters():
        if f".{levels}." in name:
            weight.fill_(torch.nan)
    return model


def test_the_coarse_pass_runs_coarse_cells_and_nothing_else(project: Path) -> None:
    path = project / "runs/pretrain-001/model"
    config = CriterionConfig(runs=project / "runs", out=project / "picture.png")
    (expected,) = study_criterion(config).stores
    assert expected.patch == (8, 8)
    assert expected.windows > 0
    for name, is_coarse in (("fine", False), ("coarse", True)):
        (project / name).mkdir()
        save_model(spoil(load_model(path), "8x8" if is_coarse else "4x4"), project / name)
    data = {"data": project / "zarr", "out": project / "picture.png", "history": 3}
    (store,) = study_criterion(CriterionConfig(run=project / "fine", **data)).stores
    assert store == expected
    with_nothing = study_criterion(CriterionConfig(run=project / "coarse", **data))
    assert with_nothing.stores == ()
    assert with_nothing.skipped == {
        "tiny_periodic": "no window of it has a finite error above 0",
    }
    assert with_nothing.picture is None


def test_errors_are_those_of_the_model_in_units_of_each_fields_spread(project: Path) -> None:
    model = load_model(project / "runs/pretrain-001/model").eval()
    store = open_store(project / "zarr/tiny_periodic.zarr")
    batch = Windows(store, (0,), history=3, max_lead=1).batch([0, 2], [[1], [1]])
    view = coarse_pass(model, name="model").view(batch)
    with torch.no_grad(), model.retokenized(TokenizerConfig(name="uniform", patch=(8,))):
        predicted = model(batch).values
    assert batch.targets is not None
    error = (predicted - batch.targets)[:, 0].numpy()
    spread = batch.history.numpy().std(axis=(1, 3, 4))
    squares = ((error / spread[:, :, None, None]) ** 2).mean(axis=1)
    expected = squares.reshape(2, 2, 8, 2, 8).sum(axis=(2, 4)).reshape(2, 4)
    np.testing.assert_allclose(view.errors.numpy(), expected, rtol=1e-4)


def test_a_model_of_uniform_tokens_has_nothing_to_choose(project: Path) -> None:
    tokenizer = TokenizerConfig(name="uniform", patch=(8,))
    model = MateyConfig(width=24, depth=1, heads=3, tokenizer=tokenizer).build(
        fields=("density", "velocity_x"), num_axes=(2,)
    )
    (project / "uniform").mkdir()
    save_model(model, project / "uniform")
    with pytest.raises(ConfigError, match="refines no cell") as error:
        study_criterion(CriterionConfig(run=project / "uniform", data=project / "zarr"))
    assert "--without-model" in error.value.remedy
