"""What training data showed goes along with a model, from run to run."""

from pathlib import Path

import pytest

from matey_core.data import Windows, joined_ranges, measure_ranges
from matey_core.errors import Interrupted
from matey_core.progress import Progress
from matey_core.store import open_store
from matey_core.training import read_ranges
from matey_core.workflows.finetune import finetune
from matey_core.workflows.pretrain import pretrain, resume
from tests.support import tiny_store
from tests.training import finetune_config, pretrain_config


def of_store(path: Path, *, samples: int | None = None) -> dict[str, object]:
    store = open_store(path)
    windows = Windows(store, store.samples("train")[:samples], history=2, max_lead=2)
    return {store.name: measure_ranges(windows)}


def test_a_finetuned_model_knows_the_stores_of_both_runs(tmp_path: Path) -> None:
    first = tiny_store(tmp_path / "data", name="flow_periodic")
    source = pretrain(pretrain_config(tmp_path, steps=2))
    seen = of_store(first)
    assert set(seen["flow_periodic"]) == {"density", "velocity_x"}  # type: ignore[call-overload]
    assert read_ranges(source.model) == seen
    second = tiny_store(tmp_path / "data", name="line_periodic", shape=(16,))
    report = finetune(finetune_config(tmp_path, steps=2))
    assert read_ranges(report.model) == joined_ranges(seen, of_store(second))  # type: ignore[arg-type]
    scratch = finetune(finetune_config(tmp_path, steps=2, from_scratch=True, name="scratch"))
    assert read_ranges(scratch.model) == of_store(second)


def stop_at_3(progress: Progress) -> None:
    if progress.done == 3:
        raise KeyboardInterrupt


@pytest.mark.parametrize("is_old", [False, True])
def test_a_resumed_run_keeps_or_measures_them(tmp_path: Path, is_old: bool) -> None:
    path = tiny_store(tmp_path / "data", name="flow_periodic")
    config = pretrain_config(tmp_path, steps=4, checkpoint_every=2)
    with pytest.raises(Interrupted):
        pretrain(config, stop_at_3)
    if is_old:
        for name in ("ranges.json", "checksums.json"):
            for found in tmp_path.rglob(name):
                found.unlink()
    again = resume(tmp_path / "runs")
    assert again.steps == 4
    assert read_ranges(again.run / "checkpoints/step-00000004/model") == of_store(path)
