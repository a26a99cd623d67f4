"""Which stores a study can be made on."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from matey_core.cells import Point
from matey_core.models import weights_sha256
from matey_core.runs.sources import open_stores
from matey_core.runs.store_choice import Hindrance, choose
from matey_core.runs.subset import short_stores
from matey_core.runs.trained import find_trained
from matey_core.store import Store


def fingerprints(data: Path) -> tuple[str, ...]:
    """Identify the stores of a folder.

    Raises:
        DataError: there is none.
    """
    return tuple(sorted(store.fingerprint for store in open_stores(data)))


def short_of(points: Iterable[Point]) -> tuple[str, ...]:
    """Say which stores have fewer training trajectories than a fine-tuning asks for."""
    trainings = [point.finetuning for point in points if point.finetuning is not None]
    asked = {(each.data, each.n_samples) for each in trainings if each.data and each.n_samples}
    notes = [
        note
        for data, size in sorted(asked, key=str)
        for note in short_stores(open_stores(data), size)
    ]
    return tuple(dict.fromkeys(notes))


def sourced(points: Sequence[Point], runs: Path) -> list[Point]:
    """Find the models that fine-tunings name as their sources, and identify their weights.

    Args:
        points: all combinations.
        runs: folder of runs, where a model that is shared or comes with matey is put.

    Raises:
        CheckpointError: there is no such model.
    """
    known: dict[Path, tuple[Path, str]] = {}

    def found(point: Point) -> Point:
        tuning = point.finetuning
        if tuning is None or tuning.source is None:
            return point
        if tuning.source not in known:
            model = find_trained(tuning.source, runs=runs).path
            known[tuning.source] = model, weights_sha256(model)
        model, weights = known[tuning.source]
        begun = tuning.model_copy(update={"source": model})
        return replace(point, finetuning=begun, weights=weights)

    return [found(point) for point in points]


def stores_of(data: Path, names: Sequence[str], *, history: int) -> list[Store]:
    """Open the stores asked for, or all that can be used.

    Args:
        data: folder of stores, or one store.
        names: names of stores; empty for all that can be used.
        history: frames that a model is given.

    Raises:
        ConfigError: a store that is asked for does not exist, cannot be used, or is one of two
            of its name.
        DataError: none can be used.
    """
    stores, _ = choose(
        open_stores(data), names, lambda store: _hindrance(store, history), done="studied"
    )
    return stores


def _hindrance(store: Store, history: int) -> Hindrance | None:
    """Why a store cannot be used; None where it can."""
    if store.num_frames < history + 1:
        return Hindrance(
            reason=f"it has {store.num_frames} frames, fewer than a history and a target",
            remedy="Take a smaller --history, or name another store with --store.",
        )
    empty = [split for split in ("train", "validation", "test") if not store.samples(split)]
    if empty:
        return Hindrance(
            reason=f"it has no {' and no '.join(empty)} trajectory",
            remedy="A study needs trajectories to train, to choose and to test with. Prepare the "
            "store again with other shares, such as --split 0.6,0.2,0.2 --overwrite, or name "
            "another with --store.",
        )
    return None
