"""What a model says of its training: the section `training` of its `model.json`.

So a model directory can be used without its run. Models of earlier versions have no such section.
"""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from matey_core.errors import CheckpointError
from matey_core.files import read_json
from matey_core.journal import finite
from matey_core.runs.folder import StoreRecord, store_records
from matey_core.runs.scores import StoreScore, read_score

KEY = "training"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """How a model was trained, on what, and how good it became."""

    history: int
    """Frames that it reads."""
    max_lead: int
    """Largest lead time that it was trained on, in frames."""
    step: int
    """Training steps before these weights."""
    scores: tuple[StoreScore, ...] = ()
    """Of the validation at this step."""
    stores: tuple[StoreRecord, ...] = ()
    """What it was trained on; paths are names, as folders of one machine say nothing elsewhere."""


def described(origin: Origin) -> dict[str, Any]:
    """Describe it in plain values that JSON can hold."""
    stores = tuple(replace(store, path=store.name) for store in origin.stores)
    found: dict[str, Any] = finite(asdict(replace(origin, stores=stores)))
    return found


def read_origin(folder: Path) -> Origin | None:
    """Read what a model directory says; None where an earlier version wrote it.

    Raises:
        CheckpointError: its `model.json` cannot be read, or is damaged.
    """
    path = folder / "model.json"
    try:
        found = read_json(path).get(KEY)
        if found is None:
            return None
        numbers = {key: found[key] for key in ("history", "max_lead", "step")}
        if any(type(value) is not int or value < 0 for value in numbers.values()):
            raise ValueError(f"{numbers} should be whole numbers of at least 0")
        if not numbers["history"]:
            raise ValueError("history is 0")
        scores = tuple(map(read_score, found["scores"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(
            f"{path} is damaged: {KEY} cannot be read: {error!r}.",
            remedy=f"Remove {KEY} from the file, or write the model again from its run.",
        ) from error
    return Origin(**numbers, scores=scores, stores=store_records(found, path))
