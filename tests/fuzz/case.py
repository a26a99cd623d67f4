"""One case: a copy of a sound project, one damage, one command, and what must hold after it."""

import contextlib
import io
import json
import os
import re
import resource
import shutil
import stat
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

from tests.fuzz.lines import command_line
from tests.fuzz.mutations import damage, replaced
from tests.fuzz.subjects import SUBJECTS

CODES = {0, 1, 2, 130}
TOLD = "case.json"
"""File with the damage and the command line, for who finds the process dead."""
SECRET = "4711 is what nobody may read"
SAFE_TO_ASK = ("line", "toml", "run", "checkpoint")
"""Settings of a person, or of a run, may ask for more memory than there is."""
_BAD = re.compile("Traceback|fault of matey|Exception ignored")
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a case was, and what was wrong with it."""

    index: int
    subject: str
    damage: str
    line: tuple[str, ...]
    code: int | None = None
    said: str = ""
    seconds: float = 0.0
    """Of the processor."""
    memory: int = 0
    """Bytes by which the largest memory of this process grew."""
    faults: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, object]:
        """Values for a line of JSON."""
        return asdict(self)


class Case:
    """A case by its seed and index; nothing else decides what it is."""

    def __init__(self, index: int, seed: int, originals: Path, only: tuple[str, ...] = ()) -> None:
        self.index, self.seed = index, seed
        self.originals, self.only = originals, only
        self.random = Random(f"{seed}:{index}")
        names = only or tuple(SUBJECTS)
        weights = [SUBJECTS[name].weight for name in names]
        (self.subject,) = self.random.choices(names, weights)

    def prepare(self, folder: Path) -> tuple[str, tuple[str, ...]]:
        """Write the damaged project; give the damage and the command line."""
        subject = SUBJECTS[self.subject]
        if self.subject == "line":
            shutil.copytree(self.originals / "run/project", folder / "project")
            _write_outside(folder)
            return "none", command_line(self.random)
        sound = self.random.choice(sorted((self.originals / self.subject).iterdir()))
        shutil.copytree(sound, folder / "project")
        _write_outside(folder)
        files = [
            path
            for path in sorted((folder / "project").rglob("*"))
            if path.relative_to(folder / "project").as_posix().startswith(subject.below)
        ]
        line = self.random.choice(subject.lines)
        if self.random.random() < 0.03:
            path = self.random.choice(files)
            return f"{path.name}: {replaced(path, folder / 'outside', self.random)}", line
        ends = subject.suffixes
        files = [path for path in files if path.is_file() and (not ends or path.suffix in ends)]
        damages = []
        for _ in range(self.random.choice((1, 1, 1, 2))):
            path = self.random.choice(files)
            if path.is_file():
                damages.append(damage(path, folder / "outside", self.random))
        return ", ".join(damages), line

    def run(self, folder: Path) -> Outcome:
        """Do it all, in this process; the working directory is left changed."""
        done, line = self.prepare(folder)
        (folder / TOLD).write_text(json.dumps([done, line]))
        os.chdir(folder / "project")
        before = paths_below(folder)
        outside = contents(folder / "outside")
        seconds, memory = time.process_time(), _largest()
        code, said = command(line)
        seconds, memory = time.process_time() - seconds, _largest() - memory
        faults = [*_said_wrong(said, self.subject), *_left_wrong(folder, before)]
        if code not in CODES:
            faults.append(f"exit code {code}")
        if contents(folder / "outside") != outside:
            faults.append("wrote outside")
        if seconds > 10:
            faults.append(f"took {seconds:.1f} s")
        if memory > 2**30 and self.subject not in SAFE_TO_ASK:
            faults.append(f"took {memory / 2**30:.1f} GiB")
        return Outcome(
            index=self.index,
            subject=self.subject,
            damage=done,
            line=line,
            code=code,
            said=said[-4000:],
            seconds=seconds,
            memory=memory,
            faults=tuple(faults),
        )


def _write_outside(folder: Path) -> None:
    (folder / "outside").mkdir()
    (folder / "outside/secret").write_text(SECRET)


def contents(folder: Path) -> dict[str, bytes]:
    """Every file in a folder and what is in it."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def paths_below(folder: Path) -> set[str]:
    """Every path below a folder; links are not followed."""
    found = set()
    for place, folders, files in os.walk(folder):
        found |= {os.path.relpath(os.path.join(place, name), folder) for name in (*folders, *files)}
    return found


def command(line: tuple[str, ...]) -> tuple[int | None, str]:
    """Run the command line in this process; give its exit code, and all that it said."""
    from matey_cli.app import main

    said = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    code: int | None = None
    with _replaced_streams(said, ["matey", *line]):
        try:
            main()
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else None
        except BaseException as error:  # what a person would see as a traceback
            said.write(f"Traceback: {type(error).__name__}: {error}")
    said.flush()
    return code, said.buffer.getvalue().decode()  # type: ignore[attr-defined]


@contextlib.contextmanager
def _replaced_streams(said: io.TextIOWrapper, line: list[str]) -> Iterator[None]:
    known = sys.argv, sys.stdout, sys.stderr
    sys.argv, sys.stdout, sys.stderr = line, said, said
    try:
        yield
    finally:
        sys.argv, sys.stdout, sys.stderr = known


def _said_wrong(said: str, subject: str) -> Iterator[str]:
    if found := _BAD.search(said):
        yield f"said {found[0]!r}"
    if found := _CONTROLS.search(said):
        yield f"control character {found[0]!r} in the output"
    if SECRET in said:
        yield "read outside"
    if "Out of memory" in said and subject not in SAFE_TO_ASK:
        yield "out of memory"


def _left_wrong(folder: Path, before: set[str]) -> Iterator[str]:
    """What must not be there: half-written files, empty folders, and paths elsewhere."""
    for name in sorted(paths_below(folder) - before):
        path = folder / name
        if not name.startswith("project/"):
            yield f"wrote {name}"
        elif ".partial" in name:
            yield f"left {name}"
        elif path.is_dir() and not path.is_symlink() and not any(path.iterdir()):
            yield f"left the empty folder {name}"
        elif path.suffix == ".zarr" and not (path / "zarr.json").is_file():
            yield f"left {name} without zarr.json"


def _largest() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def remove(folder: Path) -> None:
    """Remove a case's folder, whatever may be done to its files."""
    for place, folders, _ in os.walk(folder):
        for name in folders:
            path = os.path.join(place, name)
            if not os.path.islink(path):
                os.chmod(path, stat.S_IRWXU)
    shutil.rmtree(folder, ignore_errors=True)
