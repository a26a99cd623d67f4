"""What a rollout's store takes over from the truth, and where it says that it comes from."""

from collections.abc import Sequence
from typing import Any

from matey_core.inference import Coordinate
from matey_core.models import weights_sha256
from matey_core.runs.folder import versions
from matey_core.runs.trained import Trained
from matey_core.store import Store, StoreGroup
from matey_core.workflows.rollout.settings import RolloutConfig


def truth_coordinates(
    store: Store, samples: Sequence[int], *, times: slice
) -> dict[str, Coordinate]:
    """Copy names of samples, times and positions, so that predictions align with the truth."""
    group = StoreGroup(store.path)
    rows: dict[str, Any] = {"sample": list(samples), "time": times}
    coordinates = {}
    for name in ("sample", "time", *store.spec.grid.axes):
        values = group.values(name)[rows.get(name, slice(None))]
        attributes = dict(group.described(name).get("attributes", {}))
        coordinates[name] = Coordinate(values=values, attributes=attributes)
    return coordinates


def provenance_of(
    config: RolloutConfig, trained: Trained, store: Store, *, history: int, tokens: int | None
) -> dict[str, Any]:
    """Name the truth, the weights and the versions that the states come from.

    Args:
        config: what was asked for.
        trained: the model's place.
        store: the truth.
        history: frames of a history.
        tokens: of a frame, as the budget in force allows; None where no number does.
    """
    return {
        "title": f"rollout of {store.name}",
        "provenance": {
            "store": store.name,
            "store_fingerprint": store.fingerprint,
            "split": config.split,
            "model": str(trained.path),
            "model_sha256": weights_sha256(trained.path),
            "start": config.start,
            "history": history,
            "stride": config.stride,
            "tokens": tokens,
            "jitter_seed": config.seed if config.jitter else None,
            "cycle": config.cycle,
            "versions": versions(),
        },
    }
