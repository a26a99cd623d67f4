"""`matey simulate`: the file, its layout, what is kept of a stopped run, and what is left out."""

import importlib.metadata
import json
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
import yaml

from matey_core.errors import ConfigError, Interrupted, RunError
from matey_core.progress import Progress
from matey_core.simulators import SIMULATORS, Batch
from matey_core.simulators.diffusion_reaction import DiffusionReaction, DiffusionReactionConfig
from matey_core.store import open_store
from matey_core.workflows.simulate import SimulateConfig, list_settings, simulate
from matey_core.workflows.simulate.workers import Workers

FILE = Path("2D/diffusion-reaction/2D_diff-react_NA_NA.h5")


def settings(out: Path, **changes: object) -> SimulateConfig:
    return SimulateConfig(**({"out": out, "samples": 3, "grid": 16, "steps": 3} | changes))


def leftovers(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file()]


def test_same_seed_same_file_whatever_the_batch(tmp_path: Path) -> None:
    for batch in (1, 2, 3):
        simulate(settings(tmp_path / str(batch), batch=batch))
    one, two, three = ((tmp_path / str(batch) / FILE).read_bytes() for batch in (1, 2, 3))
    assert one == two == three
    simulate(settings(tmp_path / "other", seed=1))
    with h5py.File(tmp_path / "1" / FILE) as file, h5py.File(tmp_path / "other" / FILE) as other:
        assert list(file) == ["0000", "0001", "0002"]
        assert list(other) == ["0001", "0002", "0003"]
        np.testing.assert_array_equal(file["0002/data"], other["0002/data"])


def test_same_file_from_several_processes(tmp_path: Path) -> None:
    seen: list[Progress] = []
    with Workers(2) as workers:
        several = simulate(settings(tmp_path / "2", samples=5, workers=2), seen.append, workers)
        other = settings(tmp_path / "2", samples=5, workers=2, simulator="vorticity")
        simulate(other, workers=workers)
    alone = simulate(settings(tmp_path / "1", samples=5))
    simulate(settings(tmp_path / "1", samples=5, simulator="vorticity"))
    assert several.path.read_bytes() == alone.path.read_bytes()
    of_both = [sorted((tmp_path / name).rglob("*.h*5")) for name in "12"]
    assert [path.read_bytes() for path in of_both[0]] == [path.read_bytes() for path in of_both[1]]
    assert len(of_both[0]) == 2
    done = [progress.done for progress in seen]
    assert done == sorted(done)
    assert done[-1] == seen[-1].total == 5


def test_layout_is_that_of_the_published_file(tmp_path: Path, genuine_64: Path) -> None:
    report = simulate(settings(tmp_path, samples=1, seed=100, grid=64, steps=100))
    with h5py.File(report.path) as ours, h5py.File(genuine_64 / FILE) as theirs:
        assert set(ours["0100/grid"]) == set(theirs["0100/grid"])
        for name in ("data", "grid/x", "grid/y", "grid/t"):
            a, b = ours["0100"][name], theirs["0100"][name]
            assert (a.shape, a.dtype, a.chunks) == (b.shape, b.dtype, b.chunks)
            assert a.compression == b.compression
        for axis in "xyt":
            np.testing.assert_allclose(
                ours[f"0100/grid/{axis}"], theirs[f"0100/grid/{axis}"], rtol=1e-6, atol=1e-7
            )
        config, published = (yaml.safe_load(f["0100"].attrs["config"]) for f in (ours, theirs))
    assert config["sim"] == published["sim"]
    assert report.shape == (101, 2, 64, 64)


def test_a_file_tells_how_it_was_made(tmp_path: Path) -> None:
    report = simulate(settings(tmp_path, seed=4, settings={"k": [0.004, 0.006]}))
    with h5py.File(report.path) as file:
        made = json.loads(file.attrs["matey"])
        drawn = [yaml.safe_load(file[g].attrs["config"])["sim"]["k"] for g in file]
    assert made["simulator"] == "diffusion_reaction"
    assert made["settings"]["k"] == [0.004, 0.006]
    assert made["settings"]["diffusion_u"] == 1e-3
    assert (made["seed"], made["samples"], made["dtype"]) == (4, 3, "float32")
    assert made["versions"]["torch"] == importlib.metadata.version("torch")
    assert len(set(drawn)) == 3
    assert all(0.004 <= k <= 0.006 for k in drawn)


def test_progress_counts_trajectories(tmp_path: Path) -> None:
    seen: list[Progress] = []
    simulate(settings(tmp_path, batch=2), seen.append)
    done = [progress.done for progress in seen]
    assert done == sorted(done)
    assert len(done) == 8
    assert done[-1] == seen[-1].total == 3
    assert seen[0].unit == "trajectories"


def _is_seed(batch: Batch, seed: int) -> torch.Tensor:
    """(b,) whether a sample starts as a seed's does."""
    drawn = DiffusionReactionConfig(grid=16).build().sample(np.random.RandomState(seed))
    return (batch.states == drawn.state.to(batch.states)).flatten(1).all(1)[:, None, None]


class _Faulty(DiffusionReaction):
    """Seed 1 becomes infinite; seed 2 gains mass, which must not happen here."""

    def observe(self, states: torch.Tensor, batch: Batch) -> torch.Tensor:
        breaks = _is_seed(batch, 1)[:, None] & (states != batch.states)
        return torch.where(breaks, torch.inf, states)

    def densities(self, states: torch.Tensor, batch: Batch) -> dict[str, torch.Tensor]:
        grown = (states - batch.states).abs().amax((1, 2, 3))[:, None, None]
        return {"mass": torch.ones_like(states[:, 0]) + torch.where(_is_seed(batch, 2), grown, 0)}


class _FaultyConfig(DiffusionReactionConfig):
    def build(self) -> DiffusionReaction:
        return _Faulty(self)


@pytest.mark.parametrize("store", [False, True])
def test_a_faulty_solution_is_reported_and_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: bool
) -> None:
    monkeypatch.setitem(SIMULATORS._entries, "faulty", _FaultyConfig)
    report = simulate(settings(tmp_path, simulator="faulty", samples=4, store=store))
    reasons = {left.seed: left.reason for left in report.left_out}
    assert reasons.keys() == {1, 2}
    assert reasons[1].startswith("not finite in frame 1")
    assert reasons[2].startswith("mass is not conserved: it drifts by ")
    assert report.samples == 2
    if store:
        assert open_store(report.path).num_samples == 2
    else:
        with h5py.File(report.path) as file:
            assert list(file) == ["0000", "0003"]


def test_nothing_is_left_when_all_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SIMULATORS._entries, "faulty", _FaultyConfig)
    with pytest.raises(RunError, match="none of 2 solutions can be kept; seed 1: not finite"):
        simulate(settings(tmp_path, simulator="faulty", samples=2, seed=1))
    assert leftovers(tmp_path) == []


def test_an_existing_file_is_kept_unless_told_otherwise(tmp_path: Path) -> None:
    path = simulate(settings(tmp_path)).path
    before = path.read_bytes()
    with pytest.raises(ConfigError, match="exists already") as caught:
        simulate(settings(tmp_path, seed=9))
    assert "--overwrite" in caught.value.remedy
    assert path.read_bytes() == before
    simulate(settings(tmp_path, seed=9, overwrite=True))
    assert path.read_bytes() != before


def _stop_after(trajectories: float) -> object:
    def stop(progress: Progress) -> None:
        if progress.done > trajectories:
            raise KeyboardInterrupt

    return stop


def test_a_stopped_run_goes_on_where_it_was(tmp_path: Path) -> None:
    config = settings(tmp_path / "stopped", batch=1, samples=4)
    with pytest.raises(Interrupted, match="2 finished trajectories of 2D_diff-react"):
        simulate(config, _stop_after(2))
    assert not (tmp_path / "stopped" / FILE).exists()
    report = simulate(config)
    assert report.resumed == 2
    whole = simulate(settings(tmp_path / "whole", samples=4))
    assert whole.resumed == 0
    assert report.path.read_bytes() == whole.path.read_bytes()
    assert leftovers(tmp_path / "stopped") == [FILE.name]


def test_other_settings_take_nothing_from_a_stopped_run(tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        simulate(settings(tmp_path, batch=1), _stop_after(2))
    report = simulate(settings(tmp_path, settings={"k": 0.01}))
    assert report.resumed == 0
    fresh = simulate(settings(tmp_path / "fresh", settings={"k": 0.01}))
    assert report.path.read_bytes() == fresh.path.read_bytes()


def test_an_interrupt_leaves_the_old_file(tmp_path: Path) -> None:
    path = simulate(settings(tmp_path)).path
    before = path.read_bytes()
    with pytest.raises(Interrupted, match="before the first trajectory"):
        simulate(settings(tmp_path, seed=9, batch=1, overwrite=True), _stop_after(0))
    assert leftovers(tmp_path) == [path.name]
    assert path.read_bytes() == before


def test_several_processes_stop_at_once_and_go_on(tmp_path: Path) -> None:
    """At their next frame; the whole would take minutes."""
    config = settings(tmp_path, samples=4, grid=64, steps=4, batch=1, workers=2)
    endless = config.model_copy(update={"steps": 20_000, "batch": 4})
    began = time.monotonic()
    with pytest.raises(Interrupted, match="before the first trajectory"):
        simulate(endless, _stop_after(0))
    assert time.monotonic() - began < 60
    # Two processes may be at work on 2.x trajectories before the first one is on disk.
    with pytest.raises(Interrupted, match="finished trajector"):
        simulate(config, _stop_after(3))
    report = simulate(config)
    assert report.resumed >= 1
    whole = simulate(config.model_copy(update={"out": tmp_path / "whole", "workers": 1}))
    assert report.path.read_bytes() == whole.path.read_bytes()


def test_a_full_disk_is_told_by_a_worker(tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        with pytest.raises(RunError, match="could not be written: File too large"):
            simulate(settings(tmp_path, grid=64, workers=2))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert leftovers(tmp_path) == []


SCRIPT = """
import sys
import time
from pathlib import Path
from matey_core.workflows.simulate import SimulateConfig, simulate

def hold(progress):
    if progress.done > int(sys.argv[2]):
        time.sleep(600)

config = SimulateConfig(out=Path(sys.argv[1]), samples=40, grid=16, steps=20, batch=1)
simulate(config, hold)
"""


def test_a_killed_run_goes_on_and_makes_the_same_file(tmp_path: Path) -> None:
    parts = tmp_path / "killed" / FILE.parent / "2D_diff-react_NA_NA.simulated.partial"
    for count in (1, 7, 20):
        command = [sys.executable, "-c", SCRIPT, str(tmp_path / "killed"), str(count)]
        process = subprocess.Popen(command)
        deadline = time.monotonic() + 60
        while len(list(parts.glob("[0-9]*.json"))) < count and time.monotonic() < deadline:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    config = SimulateConfig(out=tmp_path / "killed", samples=40, grid=16, steps=20)
    report = simulate(config)
    assert report.resumed == 20
    whole = simulate(SimulateConfig(out=tmp_path / "whole", samples=40, grid=16, steps=20))
    assert report.path.read_bytes() == whole.path.read_bytes()
    assert leftovers(tmp_path / "killed") == [FILE.name]


def test_a_full_disk_is_one_message_and_keeps_what_is_done(tmp_path: Path) -> None:
    """The operating system refuses to let the file grow, as a full disk does."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, limits[1]))
    try:
        with pytest.raises(RunError, match="could not be written: File too large") as caught:
            simulate(settings(tmp_path, grid=64, batch=1))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert caught.value.exit_code == 1
    assert not (tmp_path / FILE).exists()
    assert simulate(settings(tmp_path, grid=64)).resumed == 3
    assert leftovers(tmp_path) == [FILE.name]


def test_a_disk_that_is_full_at_once_leaves_nothing(tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        with pytest.raises(RunError, match="could not be written: File too large"):
            simulate(settings(tmp_path, grid=64))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert leftovers(tmp_path) == []


def test_a_file_in_the_way_is_one_message(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("not a folder")
    with pytest.raises(RunError, match="Not a directory"):
        simulate(settings(tmp_path / "data"))


def test_settings_are_listed_with_their_defaults() -> None:
    listed = {entry.name: entry for entry in list_settings("diffusion_reaction")}
    assert listed["k"].default == "0.005"
    assert listed["grid"].default == "128"
    assert all(entry.summary for entry in listed.values())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"simulator": "diffusion_reactoin"}, "unknown name 'diffusion_reactoin'"),
        ({"settings": {"diffusion": 1.0}}, "unknown setting 'diffusion'"),
        ({"settings": {"diffusion_u": -1.0}}, "diffusion_u: must be greater than 0"),
        ({"settings": {"k": "0.1:0.01"}}, "k: the range begins at 0.1, above its end 0.01"),
        ({"settings": {"k": "many"}}, "neither a number nor a range such as 0.1:0.5"),
        ({"seed": 9_999}, "four digits"),
        ({"seed": 2**32, "store": True}, "below 2³²"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        simulate(settings(tmp_path, **changes))
    assert leftovers(tmp_path) == []


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
def test_a_gpu_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="PyTorch finds no GPU"):
        simulate(settings(tmp_path, device="cuda"))
