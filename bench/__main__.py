"""Run every benchmark, or those named: python -m bench [simulators ...].

Rows go to standard output and to bench/results/<machine>.jsonl, beside earlier ones.
"""

import importlib
import json
import pkgutil
import sys
from pathlib import Path

import bench
from bench._rows import machine

NO_BENCHMARK = {
    *("baselines", "criterion_overlap", "decisions", "demo", "noise", "plain"),
    *("unchanged", "validation"),
}


def main() -> None:
    known = sorted(
        module.name
        for module in pkgutil.iter_modules(bench.__path__)
        if not module.name.startswith("_") and module.name not in NO_BENCHMARK
    )
    chosen = sys.argv[1:] or known
    if unknown := sorted(set(chosen) - set(known)):
        raise SystemExit(f"No benchmark {', '.join(unknown)}; there are {', '.join(known)}.")
    where = machine()
    results = Path(__file__).parent / "results" / f"{where['name']}.jsonl"
    results.parent.mkdir(exist_ok=True)
    with results.open("a", encoding="utf-8") as file:
        for name in chosen:
            for row in importlib.import_module(f"bench.{name}").rows():
                line = json.dumps({"bench": name, **row, **where})
                sys.stdout.write(line + "\n")
                sys.stdout.flush()
                file.write(line + "\n")


if __name__ == "__main__":
    main()
