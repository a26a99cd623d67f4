"""Run random damaged inputs and command lines, and tell what matey did wrong.

    python -m tests.fuzz --cases 20000 --seed 1
    python -m tests.fuzz --seed 1 --case 4711 --keep /tmp/case

The seed and the index of a case decide what it is. Ends with 1 where something was wrong.
"""

import argparse
import gc
import json
import multiprocessing
import os
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from tests.fuzz import watching
from tests.fuzz.case import Case, Outcome
from tests.fuzz.subjects import build_all

EVERY = 500
"""Cases between two lines on stderr."""


def main() -> int:
    """Run the cases that the options name."""
    options = _options()
    only = tuple(options.only)
    folder = Path(options.keep or tempfile.mkdtemp(prefix="fuzz-"))
    folder.mkdir(parents=True, exist_ok=True)
    originals = folder / "originals"
    # HDF5 and the threads of Zarr must not be in use when cases are forked.
    builder = multiprocessing.get_context("spawn").Process(target=build_all, args=(originals,))
    builder.start()
    builder.join()
    if builder.exitcode:
        return 1
    _import_all()
    first = options.first if options.case is None else options.case
    count = options.cases if options.case is None else 1
    cases = [Case(index, options.seed, originals, only) for index in range(first, first + count)]
    _log({"seed": options.seed, "first": first, "cases": count, "folder": str(folder)})
    return _report(watching.run(cases, folder), is_shown=options.case is not None)


def _report(outcomes: Iterator[Outcome], *, is_shown: bool) -> int:
    """Write a line for each finding, and one for all cases; give the exit code."""
    started, bad, done = time.monotonic(), 0, 0
    codes: Counter[str] = Counter()
    taken: defaultdict[str, float] = defaultdict(float)
    slowest: list[tuple[float, int]] = []
    for outcome in outcomes:
        codes[f"{outcome.subject} {outcome.code}"] += 1
        slowest = sorted([*slowest, (round(outcome.seconds, 2), outcome.index)])[-5:]
        taken[outcome.subject] += outcome.seconds
        done += 1
        if outcome.faults or is_shown:
            bad += bool(outcome.faults)
            _log(outcome.as_dict())
        if done % EVERY == 0:
            sys.stderr.write(f"{done} cases, {time.monotonic() - started:.0f} s\n")
    _log(
        {
            "cases": done,
            "findings": bad,
            "seconds": round(time.monotonic() - started),
            "slowest": slowest,
            "processor": {name: round(seconds) for name, seconds in taken.items()},
            "codes": dict(sorted(codes.items())),
        }
    )
    return int(bad > 0)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0], prog="tests.fuzz")
    parser.add_argument("--cases", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="index of the first case")
    parser.add_argument("--case", type=int, help="index of the only case, whose outcome is shown")
    parser.add_argument("--only", nargs="*", default=(), help="subjects")
    parser.add_argument("--keep", help="folder where cases with findings are kept")
    return parser.parse_args()


def _import_all() -> None:
    """Import what commands import when they are called."""
    import matey_core.workflows.data_inspect
    import matey_core.workflows.finetune
    import matey_core.workflows.rollout  # noqa: F401
    from matey_cli.lazy import load, paths

    for path in paths():
        load(*path)
    gc.freeze()


def _log(row: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(row) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main())
