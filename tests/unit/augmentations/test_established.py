"""Mirrors and turns whose symmetry a store does not establish are refused, not applied."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from matey_core.augmentations import AUGMENTATIONS
from matey_core.augmentations._symmetries import symmetries
from matey_core.augmentations.flip import FlipConfig
from matey_core.config import validate
from matey_core.errors import ConfigError, Interrupted
from matey_core.progress import Progress
from matey_core.store import open_store
from matey_core.workflows import pretrain as workflow
from matey_core.workflows.prepare import PrepareConfig, prepare
from matey_core.workflows.pretrain import PretrainConfig, pretrain, resume
from tests.support import advected

GRID = {"time": 0.1 * np.arange(8), "z": np.arange(16.0), "x": np.arange(16.0)}


def thermals(folder: Path, names: tuple[str, ...], **options: tuple[str, ...]) -> Path:
    """Prepare trajectories on (z, x) that have no boundary unless it is said."""
    values = advected((16, 16), samples=5, frames=8, fields=len(names))
    for number, trajectory in enumerate(values):
        fields = {name: (("time", "z", "x"), trajectory[:, c]) for c, name in enumerate(names)}
        folder.joinpath("runs").mkdir(exist_ok=True)
        xr.Dataset(fields, GRID).to_netcdf(folder / f"runs/{number}.nc", engine="h5netcdf")
    prepare(
        PrepareConfig.model_validate(
            {"reader": "netcdf", "source": folder / "runs", "split": (0.6, 0.2, 0.2), **options}
        )
    )
    return folder / "runs" / "zarr" / "runs.zarr"


WALLS = ("x=periodic", "z=no_slip")


@pytest.mark.parametrize(
    ("names", "options", "message"),
    [
        (("dens", "wwnd"), {}, "boundary of its axes z and x is unknown"),
        (("dens", "wwnd"), {"boundary": ("x=periodic",)}, "boundary of its axis z is unknown"),
        (("theta", "wwnd"), {"boundary": WALLS}, "theta tells of gravity, and none of the axes z"),
        (("b", "wwnd"), {"boundary": WALLS}, "b tells of gravity, and none of the axes z"),
        (("T", "wwnd"), {"boundary": WALLS}, "T tells of gravity, and none of the axes z"),
        (("u", "v"), {"boundary": ("periodic",)}, "u, v are stored as scalars and look like"),
    ],
)
@pytest.mark.parametrize("augmentation", ["flip", "rotate"])
def test_what_is_not_established_is_refused(
    tmp_path: Path,
    names: tuple[str, ...],
    options: dict[str, tuple[str, ...]],
    message: str,
    augmentation: str,
) -> None:
    store = open_store(thermals(tmp_path, names, **options))
    part = AUGMENTATIONS[augmentation]()
    with pytest.raises(ConfigError, match=message) as caught:
        part.check(store.spec)
    assert "--overwrite" in caught.value.remedy
    assert f"leave {augmentation} out" in caught.value.remedy
    assert [found.is_mirror and found.is_rotation for found in symmetries(store.spec)] == [True]
    AUGMENTATIONS[augmentation](strength=0.0).check(store.spec)


@pytest.mark.parametrize(
    ("names", "options", "images"),
    [
        (("theta", "wwnd"), {"boundary": WALLS, "directed": ("z",)}, 2),
        (("theta", "wwnd"), {"boundary": ("x=periodic",), "directed": ("z",)}, 2),
        (("dens", "wwnd"), {"boundary": WALLS}, 4),
        (("u", "v"), {"boundary": ("periodic",), "vector": ("none",)}, 8),
        (("u", "v"), {"boundary": ("periodic",), "vector": ("u,v",)}, 8),
        (("theta", "wwnd"), {"directed": ("z", "x")}, 1),
    ],
)
def test_what_is_said_is_done(
    tmp_path: Path, names: tuple[str, ...], options: dict[str, tuple[str, ...]], images: int
) -> None:
    store = open_store(thermals(tmp_path, names, **options))
    for name in AUGMENTATIONS.names():
        AUGMENTATIONS[name]().check(store.spec)
    assert len(symmetries(store.spec)) == images


@pytest.mark.parametrize(
    ("vector", "message"), [((), "field u is stored as a scalar"), (("none",), ""), (("u",), "")]
)
def test_a_velocity_on_a_line_is_asked_for(
    tmp_path: Path, vector: tuple[str, ...], message: str
) -> None:
    xr.Dataset(
        {"u": (("sample", "time", "x"), advected((16,), samples=3, frames=8, fields=1)[:, :, 0])},
        {"time": GRID["time"], "x": GRID["x"]},
    ).to_netcdf(tmp_path / "b.nc", engine="h5netcdf")
    options = {"reader": "netcdf", "source": tmp_path, "boundary": ("periodic",), "vector": vector}
    report = prepare(PrepareConfig.model_validate(options))
    store = open_store(report.rows[0].store)
    said = "--vector u says that it is" in str(report)
    assert said == bool(message)
    if message:
        with pytest.raises(ConfigError, match=message):
            FlipConfig().check(store.spec)
    else:
        FlipConfig().check(store.spec)
        (mirror,) = (s for s in symmetries(store.spec) if s.direction == (-1,))
        assert mirror.signs == ((-1,) if vector == ("u",) else (1,))


def test_training_is_refused_before_it_begins(tmp_path: Path) -> None:
    folder = thermals(tmp_path, ("dens", "uwnd", "wwnd", "theta")).parent
    values = {
        "data": str(folder),
        "runs": str(tmp_path / "runs_of_models"),
        "augment": ["roll", "flip"],
        "steps": 1,
    }
    with pytest.raises(ConfigError, match="flip may change the physics of runs"):
        pretrain(validate(PretrainConfig, values, source=""))
    assert not (tmp_path / "runs_of_models").exists()


def test_a_run_that_flipped_such_a_store_before_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = thermals(tmp_path, ("dens", "uwnd", "wwnd", "theta")).parent
    values = {
        "data": str(folder),
        "runs": str(tmp_path / "trained"),
        "model": {"variant": "pyramid", "preset": "nano"},
        "history": 2,
        "max_lead": 1,
        "augment": ["flip"],
        "steps": 3,
        "checkpoint_every": 1,
        "objective": "one_step",
    }

    def stop(progress: Progress) -> None:
        if progress.done == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as earlier:  # as versions were that did not know better
        earlier.setattr(workflow, "check_augmentations", lambda *_: None)
        with pytest.raises(Interrupted):
            pretrain(validate(PretrainConfig, values, source=""), stop)
    assert resume(tmp_path / "trained").steps == 3
