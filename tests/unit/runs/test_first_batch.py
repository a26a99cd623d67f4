"""What a step is timed on before training."""

from pathlib import Path

from matey_core.data import Windows
from matey_core.objectives.pushforward import PushforwardConfig
from matey_core.runs.settings import TrainingConfig
from matey_core.runs.token_plan import first_batch
from matey_core.store import open_store
from tests.support import tiny_store


def test_it_has_the_targets_of_all_calls_of_the_model(tmp_path: Path) -> None:
    store = open_store(tiny_store(tmp_path))
    config = TrainingConfig(objective=PushforwardConfig(horizon=3, grow_until=1.0), batch_size=4)
    windows = Windows(store, (0,), history=2, max_lead=2, extra_frames=2)
    batch = first_batch(windows, config, 2)
    assert batch.lead_steps.tolist() == [[1, 2, 3]] * 2
