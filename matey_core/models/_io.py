"""Models on disk: weights as safetensors, and a description that stands for itself."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from matey_core.config import validate
from matey_core.descriptions import check_known, scales_of
from matey_core.errors import CheckpointError
from matey_core.fields import SIZE, is_answer, size_key
from matey_core.files import check_regular, read_json
from matey_core.models._adapter import (
    ADAPTER,
    WEIGHTS,
    AdapterBase,
    Factors,
    base_of,
    read_adapter,
    save_adapter,
    save_tensors,
)
from matey_core.models._base import Model, ModelConfig
from matey_core.models._blends import read_blends, write_blends
from matey_core.models._bounds import Bound
from matey_core.models._upgrade import completed_settings, upgraded_settings
from matey_core.version import __version__

FORMAT = 2
"""2: settings are those of the variant alone; 1: all variants shared one set of keys."""


def save_model(
    model: Model,
    folder: Path,
    *,
    weights: Mapping[str, Tensor] | None = None,
    base: AdapterBase | None = None,
    factors: Factors | None = None,
    training: Mapping[str, Any] | None = None,
) -> None:
    """Write weights and `model.json` into a folder that exists.

    The caller makes the folder's final name appear only when all of it is there.

    Args:
        model: what its settings, fields and numbers of axes describe.
        folder: where.
        weights: instead of the model's own, under the names that it has by its settings.
        base: save only what differs from this model.
        factors: see `FinetuneModeConfig.factors`; with a base only.
        training: what is said of the training in `model.json`, as JSON can hold it.
    """
    state = _state(model) if weights is None else weights
    description: dict[str, Any] = {
        "format": FORMAT,
        "matey": __version__,
        "fields": list(model.fields),
        "num_axes": list(model.num_axes),
        "config": json.loads(model.config.model_dump_json()),
    }
    if model.given_scales:
        description["given"] = {name: asdict(scale) for name, scale in model.given_scales.items()}
    if training:
        description["training"] = dict(training)
    if base is None:
        save_tensors(state, folder / WEIGHTS)
    else:
        save_adapter(state, folder, base=base, factors=factors or {})
        description["base"] = {"path": base.path, "sha256": base.sha256}
    text = json.dumps(description, indent=2, ensure_ascii=False)
    (folder / "model.json").write_text(text + "\n", encoding="utf-8")
    write_blends(folder, model.blends)


def load_model(folder: Path, *, with_answers: bool = False) -> Model:
    """Rebuild a model from its folder, on the CPU.

    Args:
        folder: of the model.
        with_answers: whether it can still be asked for more than fields, to be trained further.

    Raises:
        CheckpointError: a file is missing or damaged, or weights and description differ.
    """
    description = _description(folder / "model.json")
    values = description["config"]
    if description["format"] == 1:
        values = upgraded_settings(values)
    values = completed_settings(values)
    config = validate(ModelConfig, values, source=str(folder / "model.json"))
    is_adapter = "base" in description
    base = base_of(folder, description["base"]) if is_adapter else folder
    known = description["fields"]
    fields = known if with_answers else [name for name in known if not is_answer(name)]
    bound = _bound(folder, [base / WEIGHTS, *[folder / ADAPTER] * is_adapter])
    bound.check(values)
    try:
        with bound:
            model = config.build(fields=fields, num_axes=description["num_axes"])
            model.give(scales_of(description, path=folder / "model.json"))
    # Sizes that no tensor can have, and those that do not fit together.
    except (RuntimeError, TypeError, ValueError, ArithmeticError, MemoryError) as error:
        raise CheckpointError(
            f"{folder / 'model.json'} describes no model that can be built: {error}.",
            remedy="The directory is damaged or was edited; write it again from its run.",
        ) from error
    if is_adapter:
        weights = read_adapter(folder, base, names=_state(model))
    else:
        weights = _read_weights(folder / WEIGHTS)
    if len(fields) < len(known):
        weights = _without_answers(weights, _state(model))
    _check(weights, _state(model), folder)
    model.load_state_dict(weights, strict=True)
    model.blends = read_blends(folder)
    return model


def given_names(folder: Path) -> tuple[str, ...]:
    """Names of what a saved model is given beside its history.

    Raises:
        CheckpointError: its description is missing or damaged.
    """
    path = folder / "model.json"
    scales = scales_of(_description(path), path=path)
    return tuple(dict.fromkeys(SIZE if n.startswith(size_key("")) else n for n in scales))


def _without_answers(found: dict[str, Tensor], expected: dict[str, Any]) -> dict[str, Tensor]:
    """Cut off what answers have, which lies behind what the fields have."""
    return {
        name: value[tuple(map(slice, expected[name].shape))].clone()
        if name in expected and value.ndim == expected[name].ndim
        else value
        for name, value in found.items()
    }


def _read_weights(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise _unreadable(path, error) from error


def _bound(folder: Path, files: list[Path]) -> Bound:
    for path in files:
        try:
            check_regular(path)
            Bound(path, [path])
        except (OSError, SafetensorError) as error:
            raise _unreadable(path, error) from error
    return Bound(folder / "model.json", files)


def _unreadable(path: Path, error: Exception) -> CheckpointError:
    return CheckpointError(
        f"{path} is not a readable safetensors file: {error}.",
        remedy="Point to a model directory that matey wrote; pickles are never loaded.",
    )


def _state(model: Model) -> dict[str, Any]:
    return dict(model.state_dict())


def _description(path: Path) -> dict[str, Any]:
    try:
        found = read_json(path)
    except (OSError, ValueError) as error:
        raise CheckpointError(
            f"{path} cannot be read as a model's description: {error}.",
            remedy="Point to a run, or to a model directory with model.json in it.",
        ) from error
    missing = [
        key
        for key, kind in {"format": int, "fields": list, "num_axes": list, "config": dict}.items()
        if not isinstance(found, dict) or not isinstance(found.get(key), kind)
    ]
    if missing:
        raise CheckpointError(f"{path} lacks {', '.join(missing)}, or they are of a wrong type.")
    check_known(found["fields"], found["num_axes"], path=path)
    if not 1 <= found["format"] <= FORMAT:
        raise CheckpointError(
            f"{path} has format {found['format']}; this version of matey reads 1 to {FORMAT}.",
            remedy="Install the version of matey that wrote it.",
        )
    return found


def _check(found: dict[str, Any], expected: dict[str, Any], folder: Path) -> None:
    """Compare names and shapes, and report every difference."""
    problems = [f"{name} is missing" for name in sorted(expected.keys() - found.keys())]
    problems += [
        f"{name} is not part of the model" for name in sorted(found.keys() - expected.keys())
    ]
    problems += [
        f"{name} has shape {tuple(found[name].shape)} instead of {tuple(expected[name].shape)}"
        for name in sorted(found.keys() & expected.keys())
        if found[name].shape != expected[name].shape
    ]
    if problems:
        more = f"; and {len(problems) - 8} more" if len(problems) > 8 else ""
        raise CheckpointError(
            f"{folder}: weights and description differ: {'; '.join(problems[:8])}{more}.",
            remedy="The directory is damaged or was edited; write it again from its run.",
        )
