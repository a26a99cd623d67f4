"""Rollouts of a tiny model: the states on disk, the errors, and what is refused."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr

from matey_core.batches import FieldBatch
from matey_core.errors import CheckpointError, ConfigError, DataError, RunError
from matey_core.inference import Score, StateWriter
from matey_core.models import load_model
from matey_core.store import open_store
from matey_core.workflows.rollout import rollout
from matey_core.workflows.rollout.settings import RolloutConfig
from tests.support import tiny_store
from tests.unit.workflows.runs import tiny_run

SPLIT = (0.5, 0.25, 0.25)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    tiny_run(folder, tiny_store(folder, samples=8, frames=9, split=SPLIT))
    return folder


@pytest.fixture
def config(project: Path) -> RolloutConfig:
    return RolloutConfig(runs=project / "runs")


def nrmse(predicted: xr.DataArray, truth: xr.DataArray) -> float:
    """Mean over samples of the relative root mean square error."""
    space = [dim for dim in truth.dims if dim not in ("sample", "time")]
    error = ((predicted.astype(float) - truth) ** 2).mean(space)
    return float(np.sqrt(error / (truth.astype(float) ** 2).mean(space)).mean("sample"))


def vrmse(predicted: xr.DataArray, truth: xr.DataArray) -> float:
    """Mean over samples of the error relative to the standard deviation in space."""
    space = [dim for dim in truth.dims if dim not in ("sample", "time")]
    error = ((predicted.astype(float) - truth) ** 2).mean(space)
    return float(np.sqrt(error / truth.astype(float).var(space)).mean("sample"))


def test_reported_errors_are_those_of_the_states_on_disk(
    project: Path, config: RolloutConfig
) -> None:
    report = rollout(config)
    (result,) = report.stores
    assert result.path == project / "runs/pretrain-001/rollout/tiny_periodic.zarr"
    with (
        xr.open_zarr(result.path) as states,
        xr.open_zarr(project / "zarr/tiny_periodic.zarr") as source,
    ):
        truth = source.sel(sample=states["sample"], time=states["time"])
        start = source.sel(sample=states["sample"]).isel(time=2)
        assert states["density"].dims == ("sample", "time", "x", "y")
        np.testing.assert_array_equal(states["x"], source["x"])
        assert states["time"].size == result.steps == 6
        for errors in result.rollout:
            for name in ("density", "velocity_x"):
                now = {"time": errors.lead - 1}
                expected = truth[name].isel(now)
                scores = errors.fields[name]
                predicted = states[name].isel(now)
                for metric, values in (("nrmse", nrmse), ("vrmse", vrmse)):
                    assert scores[metric].error == pytest.approx(values(predicted, expected))
                    assert scores[metric].persistence == pytest.approx(
                        values(start[name], expected)
                    )
            assert errors.lead_time == pytest.approx(0.05 * errors.lead, rel=1e-5)
            both = [scores["nrmse"].error for scores in errors.fields.values()]
            assert errors.mean["nrmse"].error == pytest.approx(np.mean(both))


def test_one_step_errors_are_over_all_windows(project: Path, config: RolloutConfig) -> None:
    (result,) = rollout(config).stores
    store = open_store(project / "zarr/tiny_periodic.zarr")
    samples = store.samples("test")
    assert result.windows == result.windows_available == len(samples) * (9 - 3)
    errors = []
    for sample in samples:
        frames = store.read(sample, 0, 9).astype(np.float64)
        change = ((frames[3:] - frames[2:-1]) ** 2).mean((2, 3)) / (frames[3:] ** 2).mean((2, 3))
        errors.append(np.sqrt(change))
    for channel, name in enumerate(store.spec.names):
        expected = np.concatenate(errors)[:, channel].mean()
        assert result.one_step[name]["nrmse"].persistence == pytest.approx(expected)


def test_forecasts_without_training_stand_beside_persistence(
    project: Path, config: RolloutConfig
) -> None:
    (result,) = rollout(config).stores
    store = open_store(project / "zarr/tiny_periodic.zarr")
    samples = store.samples("test")
    frames = np.stack([store.read(sample, 0, 9).astype(np.float64) for sample in samples])
    for errors in result.rollout:
        truth = frames[:, 2 + errors.lead]
        linear = frames[:, 2] + errors.lead * (frames[:, 2] - frames[:, 1])
        expected = ((linear - truth) ** 2).mean((2, 3)) / (truth**2).mean((2, 3))
        for channel, name in enumerate(store.spec.names):
            score = errors.fields[name]["nrmse"]
            assert score.forecasts["linear"] == pytest.approx(
                np.sqrt(expected[:, channel]).mean(), rel=1e-5
            )
            assert score.forecasts["local_linear"] < 0.1 * score.persistence
            assert score.best_forecast == "local_linear"
    assert result.one_step["density"]["nrmse"].is_beaten
    alone = RolloutConfig(runs=config.runs, forecasts=["persistence"])  # type: ignore[arg-type]
    (plain,) = rollout(alone).stores
    assert plain.one_step["density"]["nrmse"].forecasts == {}
    assert plain.one_step["density"]["nrmse"].persistence == pytest.approx(
        result.one_step["density"]["nrmse"].persistence
    )


def test_windows_asked_for_are_measured_whatever_the_batch_size(config: RolloutConfig) -> None:
    few = config.model_copy(update={"windows": 5, "steps": 1})
    (whole, cut) = (
        rollout(few.model_copy(update={"batch_size": size})).stores[0] for size in (8, 4)
    )
    assert whole.windows == cut.windows == 5
    cases = [score["nrmse"].cases for score in (*whole.one_step.values(), *cut.one_step.values())]
    assert cases == [5] * 4
    assert cut.one_step_mean["nrmse"].persistence == pytest.approx(
        whole.one_step_mean["nrmse"].persistence
    )


def test_the_first_rollout_step_is_the_model_s_own_prediction(
    project: Path, config: RolloutConfig
) -> None:
    report = rollout(config.model_copy(update={"start": 2, "steps": 1, "samples": 1}))
    store = open_store(project / "zarr/tiny_periodic.zarr")
    sample = store.samples("test")[0]
    model = load_model(report.model).eval()
    with torch.inference_mode():
        expected = model(
            FieldBatch(
                spec=store.spec,
                history=torch.from_numpy(store.read(sample, 2, 5))[None],
                lead_steps=torch.ones(1, 1, dtype=torch.int64),
            )
        ).values[0, 0]
    with xr.open_zarr(report.stores[0].path) as states:
        assert states.attrs["provenance"]["start"] == 2
        assert states["time"].values == store.times()[5]
        np.testing.assert_allclose(states["density"].values[0, 0], expected[0], rtol=1e-5)


def test_batches_change_nothing(config: RolloutConfig) -> None:
    alone = rollout(config.model_copy(update={"batch_size": 1})).stores[0]
    together = rollout(config).stores[0]
    assert alone.rollout[-1].fields["density"]["nrmse"].error == pytest.approx(
        together.rollout[-1].fields["density"]["nrmse"].error, rel=1e-4
    )


def test_trajectories_that_trained_the_model_are_named(config: RolloutConfig) -> None:
    assert rollout(config).stores[0].was_trained_on == ()
    trained = rollout(config.model_copy(update={"split": "train", "samples": 2})).stores[0]
    assert trained.was_trained_on == trained.samples


def test_a_model_directory_of_its_own(
    project: Path, config: RolloutConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "exported"
    folder.mkdir()
    for path in (project / "runs/pretrain-001/model").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    update = {"run": folder, "data": project, "history": 3, "steps": 2}
    (tmp_path / "tiny_periodic").mkdir()  # a folder of that name is not the store
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="trained on tiny_periodic, and does not") as found:
        rollout(config.model_copy(update={"run": folder}))
    assert "--data" in found.value.remedy
    report = rollout(config.model_copy(update=update))
    assert report.stores[0].path == folder / "rollout/tiny_periodic.zarr"


def test_what_does_not_fit_is_left_out_and_named(
    project: Path, config: RolloutConfig, tmp_path: Path
) -> None:
    for name, fields, frames in (
        ("good", ("density", "velocity_x"), 9),
        ("other", ("pressure",), 9),
        ("short", ("density",), 3),
    ):
        tiny_store(tmp_path, name=name, fields=fields, frames=frames, samples=4)
    config = config.model_copy(update={"data": tmp_path, "out": tmp_path / "out"})
    report = rollout(config)
    assert [result.store for result in report.stores] == ["good"]
    assert report.skipped["other"] == "the model does not know pressure"
    assert "3 frames end before" in report.skipped["short"]
    with pytest.raises(ConfigError, match="other cannot be rolled out: the model does not know"):
        rollout(config.model_copy(update={"store": ("other",)}))
    with pytest.raises(ConfigError, match="There is no store 'god'; there are good"):
        rollout(config.model_copy(update={"store": ("god",)}))
    with pytest.raises(DataError, match="no store that can be rolled out") as late:
        rollout(config.model_copy(update={"start": 50}))
    assert late.value.remedy.startswith("Take a smaller --start or --history.")
    with pytest.raises(ConfigError, match="good cannot be rolled out: its 9 frames end") as late:
        rollout(config.model_copy(update={"history": 50, "store": ("good",)}))
    assert late.value.remedy == "Take a smaller --start or --history."


def test_a_folder_that_does_not_exist_or_is_empty_is_named(
    config: RolloutConfig, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=r"There is no store in .*nowhere: it does not exist"):
        rollout(config.model_copy(update={"data": tmp_path / "nowhere"}))
    with pytest.raises(DataError, match=f"There is no store in {tmp_path} or"):
        rollout(config.model_copy(update={"data": tmp_path}))


def test_two_stores_of_one_name_are_refused_and_both_are_named(
    config: RolloutConfig, tmp_path: Path
) -> None:
    for place in ("", "zarr"):
        tiny_store(tmp_path / place, name="twice_periodic", samples=4, frames=9)
    tiny_store(tmp_path, name="once_periodic", samples=4, frames=9)
    (tmp_path / "zarr/zarr/twice_periodic.zarr").rename(tmp_path / "twice_periodic.zarr")
    one, other = tmp_path / "twice_periodic.zarr", tmp_path / "zarr/twice_periodic.zarr"
    config = config.model_copy(update={"data": tmp_path, "out": tmp_path / "out", "steps": 1})
    for names in ((), ("twice_periodic",)):
        with pytest.raises(ConfigError, match=f"name twice_periodic: {one} and {other}") as found:
            rollout(config.model_copy(update={"store": names}))
        assert "--data" in found.value.remedy
    alone = rollout(config.model_copy(update={"store": ("once_periodic",)}))
    assert [result.store for result in alone.stores] == ["once_periodic"]
    picked = rollout(config.model_copy(update={"data": other}))
    assert [result.store for result in picked.stores] == ["twice_periodic"]


def test_no_run_and_no_such_run(tmp_path: Path, config: RolloutConfig) -> None:
    with pytest.raises(CheckpointError, match="has no run with a model"):
        rollout(RolloutConfig(runs=tmp_path))
    with pytest.raises(CheckpointError, match="no run and no model directory"):
        rollout(config.model_copy(update={"run": tmp_path}))


def test_a_gone_store_is_named(tmp_path: Path) -> None:
    store = tiny_store(tmp_path, samples=4)
    tiny_run(tmp_path, store)
    store.rename(tmp_path / "elsewhere")
    with pytest.raises(DataError, match="is gone") as caught:
        rollout(RolloutConfig(runs=tmp_path / "runs"))
    assert "--data" in caught.value.remedy


@pytest.mark.parametrize("failure", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_failures_leave_nothing_behind(
    project: Path,
    config: RolloutConfig,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    failure: BaseException,
) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise failure

    monkeypatch.setattr(StateWriter, "write", fail)
    expected = RunError if isinstance(failure, OSError) else KeyboardInterrupt
    with pytest.raises(expected):
        rollout(config.model_copy(update={"out": tmp_path / "out"}))
    assert list((tmp_path / "out").iterdir()) == []


def test_attributes_are_plain_and_say_where_it_comes_from(config: RolloutConfig) -> None:
    (result,) = rollout(config).stores
    attributes = json.loads((result.path / "zarr.json").read_text())["attributes"]
    assert attributes["provenance"]["store"] == "tiny_periodic"
    assert len(attributes["provenance"]["model_sha256"]) == 64
    assert attributes["provenance"]["tokens"] is None
    (fewer,) = rollout(config.model_copy(update={"tokens": 10, "steps": 1})).stores
    attributes = json.loads((fewer.path / "zarr.json").read_text())["attributes"]
    assert attributes["provenance"]["tokens"] == 10
    assert isinstance(result.one_step_mean["nrmse"], Score)
