"""Whatever stands in the files of a run, reading it gives values or an error that says what."""

import json
import os
import shutil
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from matey_core.errors import MateyError
from matey_core.runs.folder import RunFolder, newest_run
from matey_core.runs.resuming import resumable_run
from matey_core.runs.trained import find_trained
from matey_core.training.checkpoint import has_used_its_time
from matey_core.workflows.pretrain import pretrain, resume, run_config
from matey_core.workflows.profile.method import method_of
from tests.support import tiny_store
from tests.training import pretrain_config

BYTES = (
    b"",
    b"\xff\xfe\x00",
    b"\x00" * 100,
    b"[" * 100_000,
    b'{"a": ' * 100_000,
    b"a = " + b"[" * 100_000,
    b"[]",
    b"1",
    b"\n\n",
    b'{"event": "validation"}\n{"step": "a"}\n',
    b"1\n[]\n",
)
ODD: tuple[Any, ...] = (None, True, -1, 1e300, 10**400, "x", "\x00", "a" * 5000, [], [[]], {})
JSON_FILES = (
    "model/model.json",
    "data.json",
    "versions.json",
    "model/ranges.json",
    "checkpoints/step-00000001/state.json",
)
FILES = (
    *JSON_FILES,
    "config.toml",
    "journal.jsonl",
    "checkpoints/last",
    "checkpoints/best",
    "model/model.safetensors",
    "checkpoints/step-00000001/state.safetensors",
    "checkpoints/step-00000001/checksums.json",
)


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two steps that was stopped after the first."""
    folder = tmp_path_factory.mktemp("stopped")
    tiny_store(folder / "data", shape=(8, 8), samples=6, frames=6)
    pretrain(pretrain_config(folder, steps=1, validate_every=1))
    file = folder / "runs/pretrain-001/config.toml"
    file.write_text(file.read_text().replace("steps = 1\n", "steps = 2\n"))
    # Checksums are for damage; whoever changes files changes them as well.
    (folder / "runs/pretrain-001/checkpoints/step-00000001/checksums.json").unlink(missing_ok=True)
    shutil.copytree(folder / "runs", folder / "kept")
    return folder


def readings(run: Path) -> Iterator[Callable[[], Any]]:
    """All that commands read of a run."""
    folder = RunFolder(run)
    yield lambda: find_trained(run, runs=run.parent).load()
    yield lambda: find_trained(None, runs=run.parent).open_stores()
    yield lambda: method_of(find_trained(run, runs=run.parent), None)
    yield lambda: newest_run(run.parent)
    yield lambda: resumable_run(run.parent, run.name, verb="pretrain", read=run_config)
    yield lambda: [folder.checkpoints.named(name) for name in ("last", "best")]
    yield lambda: has_used_its_time(run / "checkpoints/step-00000001", seconds=1.0)
    yield lambda: folder.journal().rewind(0)


def faults(stopped: Path, what: str, *, resumes: bool) -> list[str]:
    """Read all of a run, and put it back to what it was."""
    run = stopped / "runs/pretrain-001"
    found = []
    for read in (*readings(run), *[lambda: resume(run.parent, run.name)] * resumes):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                read()
        except MateyError:
            continue
        except Exception as error:
            found.append(f"{what}: {type(error).__name__} {str(error)[:80]}")
    shutil.rmtree(run.parent)
    shutil.copytree(stopped / "kept", run.parent)
    return found


@pytest.mark.parametrize("name", FILES)
def test_any_bytes_in_a_file_of_a_run(name: str, stopped: Path) -> None:
    found = []
    for content in BYTES:
        (stopped / "runs/pretrain-001" / name).write_bytes(content)
        is_of_training = name.startswith(("checkpoints", "journal"))
        found += faults(stopped, f"{name} {content[:10]!r}", resumes=is_of_training)
    assert not found, "\n".join(found)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("is_pipe", [True, False])
def test_a_pipe_or_a_device_in_a_run_is_not_waited_for(is_pipe: bool, stopped: Path) -> None:
    found = []
    for name in FILES:
        file = stopped / "runs/pretrain-001" / name
        file.unlink(missing_ok=True)
        if is_pipe:
            os.mkfifo(file)
        else:
            file.symlink_to("/dev/zero")
        found += faults(stopped, name, resumes=name.startswith("checkpoints"))
    assert not found, "\n".join(found)


def places(values: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Paths of all values in JSON."""
    if path:
        yield path
    pairs = enumerate(values) if isinstance(values, list) else ()
    for key, value in values.items() if isinstance(values, dict) else pairs:
        yield from places(value, (*path, key))


@pytest.mark.slow
@pytest.mark.parametrize("name", JSON_FILES)
def test_any_value_in_the_json_of_a_run(name: str, stopped: Path) -> None:
    found = []
    text = (stopped / "runs/pretrain-001" / name).read_text()
    for number, path in enumerate(places(json.loads(text))):
        for odd in ODD[number % 2 :: 2]:
            values = json.loads(text)
            inner = values
            for key in path[:-1]:
                inner = inner[key]
            inner[path[-1]] = odd
            (stopped / "runs/pretrain-001" / name).write_text(json.dumps(values))
            what = f"{name} {path} {str(odd)[:10]!r}"
            found += faults(stopped, what, resumes="state.json" in name and number % 4 == 0)
    assert not found, "\n".join(found)


def resumed(run: Path) -> str:
    """Go on with a run; what comes of it."""
    try:
        return f"{resume(run.parent, run.name).steps} steps"
    except MateyError as error:
        return str(error)


def test_any_value_in_the_validations_of_a_journal(stopped: Path) -> None:
    run = stopped / "runs/pretrain-001"
    lines = (run / "journal.jsonl").read_text().splitlines()
    row = next(number for number, line in enumerate(lines) if '"validation"' in line)
    for number, path in enumerate([*places(json.loads(lines[row]))][4::4]):
        values = inner = json.loads(lines[row])
        for key in path[:-1]:
            inner = inner[key]
        if number % 3 == 0 and isinstance(inner, dict):
            inner["dorecast"] = inner.pop(path[-1])
        else:
            inner[path[-1]] = ODD[number % len(ODD)]
        changed = [*lines[:row], json.dumps(values), *lines[row + 1 :]]
        (run / "journal.jsonl").write_text("\n".join(changed) + "\n")
        said = resumed(run)
        assert said == "2 steps" or "journal.jsonl" in said, path
        shutil.rmtree(run.parent)
        shutil.copytree(stopped / "kept", run.parent)
