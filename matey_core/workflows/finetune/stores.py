"""Which stores a model is fine-tuned on."""

from matey_core.runs.sources import open_stores
from matey_core.runs.trained import Trained
from matey_core.store import Store
from matey_core.workflows.finetune.settings import FinetuneConfig


def choose_stores(config: FinetuneConfig, trained: Trained) -> tuple[list[Store], list[str]]:
    """Take the stores asked for, or else those that are new to the model, or else all."""
    if config.data is not None:
        return open_stores(config.data), []
    given = (*trained.given(), *config.given)
    found = open_stores(config.default_data)
    stores = [store for store in found if not store.giving(given).is_static]
    seen = {record.fingerprint for record in trained.records}
    new = [store for store in stores if store.fingerprint not in seen]
    if not trained.records:
        return stores, [f"It is not recorded what {trained.path} was trained on: all stores count."]
    if not new:
        return stores, [f"The model has seen every store in {config.default_data}: all are taken."]
    if len(new) < len(stores):
        names = ", ".join(store.name for store in new)
        return new, [f"Stores that the model has not seen are taken: {names}."]
    return new, []
