"""Runs are sorted as they were started, whatever the clock says."""

import json
from pathlib import Path

from matey_core.config import Config
from matey_core.runs.creation import create_run
from matey_core.runs.folder import RunFolder, newest_run


def run(runs: Path, started: str, name: str | None = None) -> RunFolder:
    """A run that was started when a clock showed this time."""
    made = create_run(runs, Config(), kind="pretrain", name=name)
    made.record_stores([])
    facts = made.versions() | {"started": started}
    (made.path / "versions.json").write_text(json.dumps(facts))
    return made


def newest(runs: Path) -> str:
    found = newest_run(runs, needs=lambda run: True)
    assert found is not None
    return found.path.name


def test_a_clock_that_was_set_back_does_not_matter(tmp_path: Path) -> None:
    for number, year in enumerate((2031, 2026, 2001), 1):
        run(tmp_path, f"{year}-01-01T00:00:00+00:00")
        assert newest(tmp_path) == f"pretrain-{number:03d}"


def test_runs_without_a_count_are_older(tmp_path: Path) -> None:
    for name, year in (("b", 2025), ("a", 2026)):
        made = run(tmp_path, f"{year}-01-01T00:00:00+00:00", name)
        facts = {key: value for key, value in made.versions().items() if key != "order"}
        (made.path / "versions.json").write_text(json.dumps(facts))
    assert newest(tmp_path) == "a"
    run(tmp_path, "2001-01-01T00:00:00+00:00", "c")
    assert newest(tmp_path) == "c"
