"""Prove that a change of the code changes no result, to the last bit.

    python -m bench.unchanged --record before.json    (before the change)
    python -m bench.unchanged --check before.json     (after it)

Simulates and prepares tiny data, trains, fine-tunes, rolls out and inspects in every way that
`cases.py` lists, and compares hashes of weights and stores, journals, and JSON documents. A
record holds for one machine and its versions: others round otherwise. For a quick look,
`--only 'full-adap_mix,roll*'` takes some cases and what they are made from.
"""

import argparse
import json
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from bench._rows import machine
from bench.unchanged.cases import Case, selected
from bench.unchanged.commands import run
from bench.unchanged.results import flattened

NO_MATTER = {"date", "matey", "threads"}
"""What may differ between a record and a check; every command has one thread."""
SHOWN = 8
"""Differences that are shown of a case."""


def main() -> None:
    """Record or check all cases, or some."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--record", type=Path, metavar="FILE", help="Write the results.")
    what.add_argument("--check", type=Path, metavar="FILE", help="Compare with written ones.")
    parser.add_argument("--work", type=Path, help="A new folder to work in, which stays.")
    parser.add_argument("--jobs", type=int, default=2, help="Commands side by side.")
    parser.add_argument("--only", default="*", help="Patterns of cases, with commas.")
    options = parser.parse_args()
    chosen = selected(options.only.split(","))
    started = time.monotonic()
    if options.work:
        options.work.mkdir(parents=True)
        results = measure(chosen, options.work, options.jobs)
    else:
        with tempfile.TemporaryDirectory(prefix="unchanged-") as folder:
            results = measure(chosen, Path(folder), options.jobs)
    say(f"{len(results)} cases in {time.monotonic() - started:.0f} s.")
    failed = [name for name, result in results.items() if result["exit_code"]]
    if failed:
        say(f"Failed: {', '.join(failed)}.")
    if options.record:
        found = {"machine": machine(), "cases": results}
        options.record.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        raise SystemExit(1 if failed else 0)
    record = json.loads(options.check.read_text(encoding="utf-8"))
    if options.only != "*":
        record["cases"] = {name: record["cases"].get(name) for name in results}
    raise SystemExit(compare(record, results))


def measure(chosen: list[dict[str, Case]], work: Path, jobs: int) -> dict[str, Any]:
    """Run cases stage after stage, those of a stage side by side."""
    results: dict[str, Any] = {}
    for stage in chosen:
        with ThreadPoolExecutor(jobs) as pool:
            waiting = {
                name: pool.submit(run, name, case, work.resolve()) for name, case in stage.items()
            }
            results |= {name: future.result() for name, future in waiting.items()}
    return results


def compare(record: dict[str, Any], results: dict[str, Any]) -> int:
    """Print every difference by case and key; return the exit code."""
    here = {key: value for key, value in machine().items() if key not in NO_MATTER}
    for key, value in here.items():
        if record["machine"][key] != value:
            say(f"Recorded with another {key}: {record['machine'][key]!r}, not {value!r}.")
    different = 0
    for name in sorted({*record["cases"], *results}):
        before = flattened(record["cases"].get(name, {"case": "none"}))
        after = flattened(results.get(name, {"case": "none"}))
        # As text, so that NaN equals NaN. What a command says beside what it said is no change.
        keys = [key for key in before if repr(before[key]) != repr(after.get(key, "nothing"))]
        different += bool(keys)
        for key in keys[:SHOWN]:
            say(f"{name}: {key}: {before[key]} → {after.get(key, 'nothing')}")
        if len(keys) > SHOWN:
            say(f"{name}: … and {len(keys) - SHOWN} more")
    say(f"{different} of {len(record['cases'])} cases differ.")
    return 1 if different else 0


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
