"""Share a run: its model, settings, scores and card, without places of this machine."""

import json
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w

from matey_core.catalog import find_run, read_run
from matey_core.config import read_toml
from matey_core.errors import CheckpointError
from matey_core.files import check_regular, read_json
from matey_core.hubs import FILES, Hub, checked_name
from matey_core.sharing.card import model_card
from matey_core.sharing.smaller import halve, thin

PLACES = ("data", "default_data", "runs", "source", "name")
"""Settings that name places or people of this machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PushReport:
    """What was shared, and where."""

    name: str
    url: str
    files: tuple[str, ...]
    num_bytes: int


def push(
    run: str,
    name: str,
    hub: Hub,
    *,
    runs: Path,
    data_license: str | None = None,
    half: bool = False,
) -> PushReport:
    """Share a run.

    Args:
        run: name or path.
        name: OWNER/NAME, or `hub:OWNER/NAME`.
        hub: where to.
        runs: folder of runs.
        data_license: of the training data, for the card; None for what the stores say.
        half: share the weights in float16.

    Raises:
        CheckpointError: it is no run, or its model adds to another one.
        ConfigError: the name is of another form.
        RunError: a weight is too large for float16.
    """
    name, folder = checked_name(name), find_run(run, runs=runs)
    record = read_run(folder) if folder else None
    if folder is None or record is None or record.model is None:
        raise CheckpointError(
            f"{run} is no run with a model.", remedy="`matey runs` lists the runs."
        )
    if record.model.base is not None:
        raise CheckpointError(
            f"{run} has an adapter, which adds to {record.model.base}; only whole models are "
            "shared.",
            remedy="Fine-tune with --mode full, or another mode that saves a whole model.",
        )
    with tempfile.TemporaryDirectory() as place:
        staged = Path(place) / "run"  # the temporary folder itself is for its owner alone
        staged.mkdir()
        _stage(folder, staged)
        if half:
            for weights in (staged / "model").glob("*.safetensors"):
                halve(weights)
        card = model_card(record, name=name, data_license=data_license)
        (staged / "README.md").write_text(card, encoding="utf-8")
        paths = sorted(path for path in staged.rglob("*") if path.is_file())
        return PushReport(
            name=name,
            url=hub.publish(name, staged),
            files=tuple(path.relative_to(staged).as_posix() for path in paths),
            num_bytes=sum(path.stat().st_size for path in paths),
        )


def _stage(run: Path, staged: Path) -> None:
    """Copy what is shared of a run, without names of folders on this machine."""
    (staged / "model").mkdir()
    for path in (*run.iterdir(), *(run / "model").iterdir()):
        file = path.relative_to(run).as_posix()
        if FILES.fullmatch(file):
            check_regular(path)
            shutil.copyfile(path, staged / file)
    if (staged / "journal.jsonl").is_file():
        thin(staged / "journal.jsonl")
    settings = {
        key: value for key, value in read_toml(run / "config.toml").items() if key not in PLACES
    }
    (staged / "config.toml").write_text(tomli_w.dumps(settings), encoding="utf-8")
    for file in ("data.json", "start.json"):
        if (staged / file).is_file():
            found = read_json(staged / file)
            for store in found["stores"]:
                store["path"] = store["name"]
            _write(staged / file, found)
    if (staged / "scores.json").is_file():
        _write(staged / "scores.json", _placeless(read_json(staged / "scores.json")))
    versions = read_json(run / "versions.json")
    _write(staged / "versions.json", {k: v for k, v in versions.items() if k != "command"})


def _placeless(value: Any) -> Any:
    """The same values of JSON, with the last name in place of every absolute path."""
    if isinstance(value, dict):
        return {key: _placeless(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_placeless(each) for each in value]
    is_path = isinstance(value, str) and Path(value).is_absolute()
    return Path(value).name if is_path else value


def _write(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=1), encoding="utf-8")
