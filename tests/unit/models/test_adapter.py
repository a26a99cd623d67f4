"""A model saved apart from its base is read with that base, or not at all."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from matey_core.errors import CheckpointError, ConfigError
from matey_core.models import AdapterBase, load_model, save_model, weights_sha256
from tests.training import tiny_model

NAME = "processor.blocks.0.stages.0.qkv.weight"


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A base in `runs/one/model`, and an adapter in `runs/two/model`."""
    torch.manual_seed(0)
    model = tiny_model().build(fields=("u",), num_axes=(2,))
    for run in ("one", "two"):
        (tmp_path / "runs" / run / "model").mkdir(parents=True)
    save_model(model, tmp_path / "runs/one/model")
    model.extend(fields=("v",), num_axes=(1,))
    weights = {name: value.clone() for name, value in model.state_dict().items()}
    up, down = torch.randn(96, 2), torch.randn(2, 32)
    weights[NAME] += up @ down
    weights["processor.everywhere.bias"] += 1
    base = AdapterBase.of(tmp_path / "runs/one/model", runs=tmp_path / "runs")
    save_model(
        model,
        tmp_path / "runs/two/model",
        weights=weights,
        base=base,
        factors={NAME: (up, down)},
    )
    model.load_state_dict(weights)
    save_model(model, folder_of(tmp_path / "whole"))
    return tmp_path / "runs"


def folder_of(path: Path) -> Path:
    path.mkdir()
    return path


def edited(folder: Path, **base: Any) -> Path:
    """The adapter with another reference to its base."""
    description = json.loads((folder / "model.json").read_text())
    description["base"] |= base
    (folder / "model.json").write_text(json.dumps(description))
    return folder


def test_it_is_the_whole_model_and_holds_only_what_differs(runs: Path) -> None:
    whole, found = load_model(runs.parent / "whole"), load_model(runs / "two/model")
    assert found.fields == ("u", "v")
    expected = whole.state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in found.state_dict().items())
    held = set(load_file(runs / "two/model/adapter.safetensors"))
    assert {f"{NAME}:up", f"{NAME}:down", "processor.everywhere.bias", "table.enter"} <= held
    assert NAME not in held
    assert not any("blocks.1" in name for name in held)


def test_runs_may_be_moved_together(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = load_model(runs / "two/model").state_dict()
    shutil.move(runs, runs.with_name("elsewhere"))
    monkeypatch.chdir(runs.with_name("elsewhere") / "two")
    for path in (runs.with_name("elsewhere") / "two/model", Path("model")):
        found = load_model(path).state_dict()
        assert found.keys() == expected.keys()
        assert all(torch.equal(value, expected[name]) for name, value in found.items())


def test_a_base_that_has_changed_is_refused_with_both_hashes(runs: Path) -> None:
    expected = weights_sha256(runs / "one/model")
    weights = load_file(runs / "one/model/model.safetensors")
    save_file(
        {name: value + 1e-7 for name, value in weights.items()},
        runs / "one/model/model.safetensors",
    )
    with pytest.raises(CheckpointError, match=expected) as caught:
        load_model(runs / "two/model")
    assert weights_sha256(runs / "one/model") in str(caught.value)


def test_a_base_that_is_gone_is_named(runs: Path) -> None:
    shutil.rmtree(runs / "one")
    with pytest.raises(CheckpointError, match="one/model") as caught:
        load_model(runs / "two/model")
    assert str(runs) in str(caught.value)


@pytest.mark.parametrize("path", ["../whole", "one/../../whole", "link/whole", "/absolute"])
def test_a_path_that_leads_elsewhere_is_refused(runs: Path, path: str) -> None:
    (runs / "link").symlink_to(runs.parent)
    sha256 = weights_sha256(runs.parent / "whole")
    path = str(runs.parent / "whole") if path == "/absolute" else path
    with pytest.raises(CheckpointError, match="not a folder below"):
        load_model(edited(runs / "two/model", path=path, sha256=sha256))


@pytest.mark.parametrize(
    "base", [{"path": 3}, {"sha256": "00"}, {"sha256": None}, {"path": None}], ids=str
)
def test_a_reference_of_another_form_is_refused(runs: Path, base: dict[str, Any]) -> None:
    with pytest.raises(CheckpointError, match="base should have a path and a sha256"):
        load_model(edited(runs / "two/model", **base))


@pytest.mark.parametrize(
    "change",
    [
        {f"{NAME}:up": torch.ones(96, 3)},
        {f"{NAME}:up": torch.ones(10**5, 1), f"{NAME}:down": torch.ones(1, 10**5)},
        {"nothing:up": torch.ones(1, 1), "nothing:down": torch.ones(1, 1)},
        {f"{NAME}:up": torch.tensor(1.0)},
        {f"{NAME}:up": torch.ones(96, 2).int()},
        {"processor.blocks.1.stages.0.qkv.weight:down": torch.ones(2, 32)},
        {"nothing": torch.ones(1)},
        {"table.bias": torch.ones(7)},
    ],
)
def test_what_does_not_fit_the_base_is_refused(runs: Path, change: dict[str, Any]) -> None:
    file = runs / "two/model/adapter.safetensors"
    save_file({**load_file(file), **change}, file)
    with pytest.raises(CheckpointError):
        load_model(runs / "two/model")


def test_no_base_is_an_adapter_or_lies_elsewhere(runs: Path) -> None:
    with pytest.raises(ConfigError, match="is an adapter"):
        AdapterBase.of(runs / "two/model", runs=runs)
    with pytest.raises(ConfigError, match="below the folder of runs"):
        AdapterBase.of(runs.parent / "whole", runs=runs)


def test_a_base_that_is_a_link_is_refused_before_anything_is_trained(runs: Path) -> None:
    (runs / "linked").symlink_to(runs.parent / "whole")
    with pytest.raises(ConfigError, match="below the folder of runs"):
        AdapterBase.of(runs / "linked", runs=runs)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("a\0b", "not a folder below"),
        ("a" * 5000, "not a folder below"),
        ("\ud800", "surrogates not allowed"),
    ],
    ids=["nul", "long", "surrogate"],
)
def test_a_path_that_no_folder_can_have_is_refused(runs: Path, path: str, said: str) -> None:
    with pytest.raises(CheckpointError, match=said):
        load_model(edited(runs / "two/model", path=path))
