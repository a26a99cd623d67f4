"""What a rollout shows and keeps: one line a store, all scores in a file, a picture."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from PIL import Image

from matey_core.errors import ConfigError
from matey_core.inference import Score
from matey_core.reports.animation import MOST_FRAMES, film_leads
from matey_core.store import open_store
from matey_core.workflows.rollout import LeadErrors, document_of, rollout
from matey_core.workflows.rollout.picture import draw
from matey_core.workflows.rollout.settings import RolloutConfig
from matey_core.workflows.rollout.shown import shown_leads
from matey_core.workflows.rollout.summary import summary_of
from tests.support import tiny_store
from tests.unit.workflows.runs import tiny_run

SPLIT = (0.5, 0.25, 0.25)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    stores = [
        tiny_store(folder, name=name, shape=shape, samples=8, frames=9, split=SPLIT)
        for name, shape in (("flat_periodic", (16, 24)), ("line_periodic", (32,)))
    ]
    tiny_run(folder, *stores)
    return folder


@pytest.fixture
def config(project: Path, tmp_path: Path) -> RolloutConfig:
    return RolloutConfig(runs=project / "runs", out=tmp_path, store=("flat_periodic",))


def score(error: float, persistence: float, linear: float, cases: int = 2) -> Score:
    return Score(
        error=error,
        persistence=persistence,
        forecasts={"linear": linear},
        cases=cases,
        undefined=0,
        not_finite=0,
    )


def lead(number: int, nrmse: Score, vrmse: float) -> LeadErrors:
    scores = {"nrmse": nrmse, "vrmse": score(vrmse, 1.0, 1.0)}
    return LeadErrors(
        lead=number, lead_time=0.1 * number, fields={"height": scores}, mean=scores, patches=()
    )


def test_a_summary_has_the_hardest_forecast_and_the_frames_until_half_the_spread() -> None:
    errors = [
        lead(1, score(0.2, 0.4, 0.1), 0.3),
        lead(2, score(0.4, 0.8, 0.4), 0.5),
        lead(3, score(0.8, 0.9, math.inf), 0.6),
        lead(4, score(0.8, 0.9, 1.6), 0.4),
    ]
    summary = summary_of(errors[:2])
    assert (summary.forecast, summary.good, summary.known) == ("linear", 2, 2)
    assert summary.ratio == pytest.approx(math.sqrt(2 * 1), rel=2e-2)
    assert summary.nrmse == {1: 0.2, 2: 0.4}
    summary = summary_of(errors)
    assert (summary.forecast, summary.good) == ("persistence", 2)
    assert summary.nrmse == {1: 0.2, 4: 0.8}
    assert summary_of([]).good == 0
    assert math.isnan(summary_of([]).ratio)


@pytest.mark.parametrize(
    ("steps", "known", "leads"),
    [
        (20, 20, (1, 7, 14, 20)),
        (2, 2, (1, 2)),
        (1, 1, (1,)),
        (100, 40, (1, 20, 40, 100)),
        (4, 0, (1, 2, 3, 4)),
    ],
)
def test_the_last_frame_and_the_last_with_a_truth_are_shown(
    steps: int, known: int, leads: tuple[int, ...]
) -> None:
    assert shown_leads(steps, known) == leads


def test_forecasts_go_on_beyond_the_truth(config: RolloutConfig, project: Path) -> None:
    (short,) = rollout(config.model_copy(update={"steps": 50})).stores
    assert (short.steps, len(short.rollout)) == (6, 6)
    (result,) = rollout(config.model_copy(update={"steps": 10, "beyond": True})).stores
    assert (result.steps, result.summary.known) == (10, 6)
    assert [errors.mean for errors in result.rollout] == [errors.mean for errors in short.rollout]
    times = open_store(project / "zarr/flat_periodic.zarr").times()
    with xr.open_zarr(result.path) as states:
        assert np.isfinite(states["density"].values).all()
        np.testing.assert_array_equal(states["time"][:6], times[3:])
        np.testing.assert_allclose(np.diff(states["time"]), times[1] - times[0], rtol=1e-5)
    assert result.shown.leads == (1, 3, 6, 10)
    assert result.shown.num_known == 3
    assert np.isnan(result.shown.truth[3]).all()
    assert np.isfinite(result.shown.truth[:3]).all()


def test_a_forecast_from_the_very_end_has_no_scores(config: RolloutConfig) -> None:
    update = {"steps": 3, "beyond": True, "start": 6, "plot": True}
    (result,) = rollout(config.model_copy(update=update)).stores
    assert (result.steps, result.rollout, result.summary.nrmse) == (3, (), {})
    assert result.picture is not None
    assert result.picture.is_file()


def test_what_is_shown_is_what_was_predicted(config: RolloutConfig, project: Path) -> None:
    (result,) = rollout(config.model_copy(update={"field": "velocity_x"})).stores
    shown = result.shown
    assert [axis.name for axis in shown.axes] == ["y", "x"]
    with xr.open_zarr(result.path) as states:
        last = states["velocity_x"].isel(sample=0, time=-1).transpose("y", "x")
        np.testing.assert_array_equal(shown.prediction[-1], last)
        assert shown.times[-1] == states["time"].values[-1]
    store = open_store(project / "zarr/flat_periodic.zarr")
    np.testing.assert_array_equal(
        shown.truth[-1], store.read_field("velocity_x", store.samples("test")[0], 8, 9)[0].T
    )


def test_scores_are_kept_in_the_run(project: Path) -> None:
    report = rollout(RolloutConfig(runs=project / "runs", steps=2))
    assert report.scores == project / "runs/pretrain-001/scores.json"
    kept = json.loads(report.scores.read_text())
    assert kept.pop("written")
    assert kept == json.loads(json.dumps(document_of(report)))
    assert [each["store"] for each in kept["stores"]] == ["flat_periodic", "line_periodic"]
    assert kept["stores"][0]["summary"]["known"] == 2


@pytest.mark.parametrize("store", ["flat_periodic", "line_periodic"])
def test_a_picture_lies_beside_the_states(config: RolloutConfig, store: str) -> None:
    (result,) = rollout(config.model_copy(update={"plot": True, "store": (store,)})).stores
    assert result.picture == result.path.with_suffix(".png")
    content = result.picture.read_bytes()
    assert content.startswith(b"\x89PNG")
    width, height = (int.from_bytes(content[i : i + 4], "big") for i in (16, 20))
    assert width == 1320
    assert height > 600


@pytest.mark.parametrize(("store", "steps"), [("flat_periodic", 4), ("line_periodic", 8)])
def test_a_film_has_a_frame_for_each_prediction(
    config: RolloutConfig, monkeypatch: pytest.MonkeyPatch, store: str, steps: int
) -> None:
    """Of 8 predicted frames of the line, two lie beyond the truth."""
    monkeypatch.setattr("matey_core.reports.animation.shutil.which", lambda name: None)
    update = {"animate": True, "store": (store,), "steps": steps, "beyond": True}
    (result,) = rollout(config.model_copy(update=update)).stores
    assert result.film == result.path.with_suffix(".gif")
    with Image.open(result.film) as film:
        assert (film.format, film.n_frames) == ("GIF", steps)
        first = np.asarray(film.convert("RGB")).astype(int)
        film.seek(steps - 1)
        assert np.abs(np.asarray(film.convert("RGB")) - first).max() > 50
    assert not list(result.path.parent.glob("*.partial*"))


def test_long_films_leave_out_frames_evenly() -> None:
    leads = film_leads(1000)
    assert (leads[0], leads[-1], len(leads)) == (1, 1000, MOST_FRAMES)
    assert film_leads(3) == (1, 2, 3)


def test_pictures_need_matplotlib_and_a_field_that_is_there(
    config: RolloutConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigError, match="has no field pressure, only density, velocity_x"):
        rollout(config.model_copy(update={"field": "pressure"}))
    monkeypatch.setattr("matey_core.workflows.rollout.picture.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="matplotlib is not installed") as found:
        rollout(config.model_copy(update={"plot": True}))
    assert "matey-fm[plots]" in found.value.remedy


@pytest.mark.parametrize("store", ["flat_periodic", "line_periodic"])
@pytest.mark.parametrize("value", [np.nan, np.inf, 3e38, 2.0])
def test_what_has_blown_up_or_is_constant_is_drawn(
    config: RolloutConfig, store: str, value: float
) -> None:
    (result,) = rollout(config.model_copy(update={"store": (store,), "steps": 2})).stores
    shape = result.shown.prediction.shape
    shown = replace(
        result.shown,
        field="cost_$x^$",
        unit="$",
        prediction=np.full(shape, value, np.float32),
        truth=np.full(shape, -value if np.isfinite(value) else value, np.float32),
    )
    path = result.path.with_suffix(".png")
    draw(replace(result, shown=shown), path)
    assert path.read_bytes().startswith(b"\x89PNG")


def test_scores_are_kept_even_if_no_picture_can_be_drawn(
    config: RolloutConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> None:
        raise MemoryError

    monkeypatch.setattr("matey_core.workflows.rollout.draw", fail)
    with pytest.raises(MemoryError):
        rollout(config.model_copy(update={"plot": True}))
    assert config.out is not None
    assert json.loads((config.out / "scores.json").read_text())["stores"][0]["picture"]
