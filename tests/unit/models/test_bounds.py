"""A description asks for no more than the weights beside it have."""

import json
import resource
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from matey_core.errors import MateyError
from matey_core.models import MODELS, load_model, save_model
from matey_core.models._bounds import _requested


def numbers(values: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Paths of all whole numbers in JSON."""
    if type(values) is int:
        yield path
    pairs = enumerate(values) if isinstance(values, list) else ()
    for key, value in values.items() if isinstance(values, dict) else pairs:
        yield from numbers(value, (*path, key))


@pytest.mark.parametrize("number", [10**7, 10**30])
@pytest.mark.parametrize("name", MODELS.names())
def test_a_model_is_as_large_as_its_weights(name: str, number: int, tmp_path: Path) -> None:
    model = MODELS[name].tiny().build(fields=("density", "velocity_x"), num_axes=(2,))
    save_model(model, tmp_path)
    file = tmp_path / "model.json"
    text, refused = file.read_text(), 0
    load_model(tmp_path)
    for path in numbers(json.loads(text)["config"]):
        values = json.loads(text)
        inner = values["config"]
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = number
        file.write_text(json.dumps(values))
        before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
        try:
            load_model(tmp_path)
        except MateyError:
            refused += 1
        assert time.process_time() - began < 5, path
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2**18, path  # kB
    assert refused >= 1


def test_shapes_are_counted_as_torch_takes_them() -> None:
    assert _requested((3, 4)) == _requested(((3, 4),)) == _requested([3, 4]) == 12
    assert _requested((0.0, 1.0, 7)) == 7
    assert _requested(5) == 5
