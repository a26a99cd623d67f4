"""A tiny run with an untrained model, made without training."""

from pathlib import Path
from typing import Any

import torch

from matey_core.config import validate
from matey_core.models import ModelConfig, save_model
from matey_core.models.matey import MateyConfig
from matey_core.runs.creation import create_run
from matey_core.runs.folder import RunFolder, record_of
from matey_core.runs.origin import Origin, described
from matey_core.store import open_store
from matey_core.tokenizers import TokenizerConfig
from matey_core.workflows.pretrain import PretrainConfig

TINY = MateyConfig(
    width=24, depth=1, heads=3, tokenizer=TokenizerConfig(name="adap_mix", patch=(8, 4))
)


def tiny_run(
    folder: Path,
    *stores: Path,
    history: int = 3,
    settings: ModelConfig = TINY,
    **others: Any,
) -> RunFolder:
    """Make `folder/runs/pretrain-001`, whose model knows the fields of the stores.

    Args:
        folder: where the folder of runs is made.
        stores: what the model knows.
        history: frames that it is given.
        settings: of the model.
        others: further settings of the run, as plain values.
    """
    torch.manual_seed(0)
    opened = [open_store(path) for path in stores]
    model = settings.build(
        fields=dict.fromkeys(name for store in opened for name in store.spec.names),
        num_axes={store.spec.grid.num_axes for store in opened},
    )
    method = validate(PretrainConfig, others, source="tiny_run")
    places = {"data": folder, "runs": folder / "runs"}
    config = method.model_copy(update={**places, "model": settings, "history": history})
    run = create_run(folder / "runs", config, kind="pretrain", name=None)
    run.record_stores([record_of(store, store.samples("train")) for store in opened])
    run.model.mkdir()
    origin = Origin(history=history, max_lead=config.max_lead, step=0, stores=run.stores())
    save_model(model, run.model, training=described(origin))
    return run
