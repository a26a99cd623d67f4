"""A power cut at any moment costs the work since the last checkpoint, or leaves no run."""

from pathlib import Path

import pytest

from matey_core.errors import CheckpointError
from matey_core.progress import Progress
from matey_core.workflows.pretrain import pretrain, resume
from tests.power import Disk
from tests.support import files_below, tiny_store
from tests.training import events, pretrain_config

STEPS = 6
CUTS = 24


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::matey_core.errors.MateyWarning")
def test_a_power_cut_costs_the_work_since_the_last_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_store(tmp_path / "data", name="flow_periodic")
    place = tmp_path / "place"
    place.mkdir()
    with monkeypatch.context() as patch:
        disk = Disk(place, patch)
        saved: list[int] = []  # number of the `fsync` after which a step was surely saved

        def note(progress: Progress) -> None:  # before the step is saved
            saved.append(len(disk.states) - 1)

        config = pretrain_config(tmp_path, steps=STEPS, validate_every=2, runs=place / "runs")
        whole = pretrain(config.model_copy(update={"name": "run"}), note).run
    last = len(disk.states) - 1
    assert last > 30
    cuts = sorted({*range(0, last, max(1, last // CUTS)), *range(last - 8, last + 1)})
    for cut in cuts:
        target = tmp_path / f"cut-{cut}"
        disk.restore(cut, target)
        least = max(
            (2 * ((step - 1) // 2) for step, at in enumerate(saved, 1) if at <= cut), default=0
        )
        step = first_step(target / "runs", may_be_complete=cut > saved[-1])
        assert step >= least, cut
        if not step:
            continue
        run = target / "runs/run"
        for kind in ("step", "validation"):
            assert events(run, kind) == events(whole, kind), cut
        assert files_below(run / "model") == files_below(whole / "model"), cut


def first_step(runs: Path, *, may_be_complete: bool) -> int:
    """Resume the run to its end, and say where that began; 0 where there was no checkpoint."""
    try:
        return resume(runs, "run").start.step
    except CheckpointError as error:
        if may_be_complete and "is complete" in str(error):
            return STEPS
        if "no checkpoint" in str(error):
            return 0
        raise
