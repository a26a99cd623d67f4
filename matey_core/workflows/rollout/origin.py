"""What a rollout's store takes over from the truth, and where it says that it comes from."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from matey_core.inference import Coordinate
from matey_core.models import weights_sha256
from matey_core.runs.creation import versions
from matey_core.runs.trained import Trained
from matey_core.store import Store, StoreGroup
from matey_core.workflows.rollout.settings import RolloutConfig


def truth_coordinates(
    store: Store, samples: Sequence[int], *, times: slice
) -> dict[str, Coordinate]:
    """Copy names of samples, times and positions, so that predictions align with the truth.

    Args:
        store: the truth.
        samples: what is predicted.
        times: stored frames that are predicted; times go on behind the last known one.
    """
    group = StoreGroup(store.path)
    coordinates = {}
    for name in ("sample", "time", *store.spec.grid.axes):
        values = group.values(name)
        if name == "sample":
            values = values[list(samples)]
        elif name == "time":
            values = continued(values, times.stop, step=store.spec.time_step)[times]
        attributes = dict(group.described(name).get("attributes", {}))
        coordinates[name] = Coordinate(values=values, attributes=attributes)
    return coordinates


def continued(
    times: Float[np.ndarray, "known"], count: int, *, step: float
) -> Float[np.ndarray, "time"]:
    """Let times go on behind the last known one, in equal steps.

    Args:
        times: (known,) times of the known frames.
        count: of all times that are wanted; fewer than are known changes nothing.
        step: from one time to the next.
    """
    beyond = np.arange(1, count - len(times) + 1)
    return np.concatenate([times, (times[-1] + step * beyond).astype(times.dtype)])


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
