"""`matey simulate`: the file, its layout, and what must not be left behind."""

import resource
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
import yaml

from matey_core.errors import ConfigError, RunError
from matey_core.simulators import SIMULATORS
from matey_core.simulators.diffusion_reaction import DiffusionReaction, DiffusionReactionConfig
from matey_core.workflows._progress import Progress
from matey_core.workflows.simulate import SimulateConfig, simulate

FILE = Path("2D/diffusion-reaction/2D_diff-react_NA_NA.h5")


def settings(out: Path, **changes: object) -> SimulateConfig:
    return SimulateConfig(**({"out": out, "samples": 3, "grid": 16, "frames": 4} | changes))


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


def test_layout_is_that_of_the_published_file(tmp_path: Path, pdebench_64: Path) -> None:
    report = simulate(settings(tmp_path, samples=1, seed=100, grid=64, frames=101))
    with h5py.File(report.path) as ours, h5py.File(pdebench_64 / FILE) as theirs:
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
    assert report.shape == (101, 64, 64, 2)


def test_progress_counts_trajectories(tmp_path: Path) -> None:
    seen: list[Progress] = []
    simulate(settings(tmp_path, batch=2), seen.append)
    done = [progress.done for progress in seen]
    assert done == sorted(done)
    assert len(done) == 8
    assert done[-1] == seen[-1].total == 3
    assert seen[0].unit == "trajectories"


class _SeedOneDiverges(DiffusionReaction):
    def start(self, random: np.random.RandomState) -> torch.Tensor:
        state = super().start(random)
        of_seed_one = super().start(np.random.RandomState(1))
        return state * (1e30 if torch.equal(state, of_seed_one) else 1)


class _SeedOneDivergesConfig(DiffusionReactionConfig):
    def build(self) -> DiffusionReaction:
        return _SeedOneDiverges(self)


def test_a_diverged_solution_is_reported_and_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SIMULATORS._entries, "diverging", _SeedOneDivergesConfig)
    report = simulate(settings(tmp_path, simulator="diverging"))
    assert report.diverged == (1,)
    assert report.samples == 2
    with h5py.File(report.path) as file:
        assert list(file) == ["0000", "0002"]


def test_nothing_is_left_when_all_diverge(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="all 3 solutions became non-finite"):
        simulate(settings(tmp_path, settings={"k": -1e9}))
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


def test_an_interrupt_leaves_the_old_file_and_no_part_of_the_new(tmp_path: Path) -> None:
    path = simulate(settings(tmp_path)).path
    before = path.read_bytes()

    def interrupt(progress: Progress) -> None:
        if progress.done > 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate(settings(tmp_path, seed=9, batch=1, overwrite=True), interrupt)
    assert leftovers(tmp_path) == [path.name]
    assert path.read_bytes() == before


def test_a_full_disk_is_one_message_and_no_leftover(tmp_path: Path) -> None:
    """The operating system refuses to let the file grow, as a full disk does."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        with pytest.raises(RunError, match="could not be written: File too large") as caught:
            simulate(settings(tmp_path, grid=64))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert caught.value.exit_code == 1
    assert leftovers(tmp_path) == []


def test_a_file_in_the_way_is_one_message(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("not a folder")
    with pytest.raises(RunError, match="Not a directory"):
        simulate(settings(tmp_path / "data"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"simulator": "diffusion_reactoin"}, "has no 'diffusion_reactoin'"),
        ({"settings": {"diffusion": 1.0}}, "unknown setting 'diffusion'"),
        ({"settings": {"diffusion_u": -1.0}}, "diffusion_u: input should be greater than 0"),
        ({"seed": 9_999}, "four digits"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        simulate(settings(tmp_path, **changes))
    assert leftovers(tmp_path) == []
