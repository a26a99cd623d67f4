"""A description of a model that was edited is refused before anything is built of it."""

import json
from pathlib import Path
from typing import Any

import pytest

from matey_core.errors import CheckpointError, MateyError
from matey_core.models import load_model, save_model
from matey_core.models._upgrade import OF_MATEY_ALONE
from matey_core.models.fno import FnoConfig


def edited(folder: Path, **values: Any) -> Path:
    """A model of one field, with another description."""
    save_model(FnoConfig.tiny().build(fields=("u",), num_axes=(2,)), folder)
    description = json.loads((folder / "model.json").read_text()) | values
    (folder / "model.json").write_text(json.dumps(description))
    return folder


@pytest.mark.parametrize("fields", [[1], [["u"]], [{}], ["u", "u"], [None]], ids=str)
def test_fields_are_names_each_once(tmp_path: Path, fields: list[Any]) -> None:
    with pytest.raises(CheckpointError, match=r"model\.json is damaged: fields should be a list"):
        load_model(edited(tmp_path, fields=fields))


@pytest.mark.parametrize("num_axes", [["2"], [2.0], [7], [0], [True], [2, "a"], [[2]]], ids=str)
def test_numbers_of_axes_are_numbers_that_grids_have(tmp_path: Path, num_axes: list[Any]) -> None:
    with pytest.raises(CheckpointError, match=r"model\.json is damaged: num_axes should be a list"):
        load_model(edited(tmp_path, num_axes=num_axes))


@pytest.mark.parametrize("patch", [3, {"a": 1}, None, "8", [8, "4"]], ids=str)
def test_a_patch_of_version_0_1_is_a_list_of_sizes(tmp_path: Path, patch: Any) -> None:
    settings = dict.fromkeys(OF_MATEY_ALONE) | {
        "variant": "paper",
        "tokenizer": {"name": "uniform", "patch": patch},
    }
    with pytest.raises(MateyError, match=r"model\.json: tokenizer\.patch"):
        load_model(edited(tmp_path, format=1, config=settings))
