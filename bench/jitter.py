"""What shifted patches do to a rollout: trained with and without, rolled out with and without.

python -m bench.jitter ./stores --out ./jitter > jitter.jsonl

Trains one small model for every store, seed and way of training, unless `--out` has it already,
rolls each out over the test trajectories in every way, and writes a row for each. With
`--table`, the same rows are written as a table for docs/results/jitter.md.
"""

import argparse
import json
import math
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from bench._rows import machine
from matey_core.inference import strongest
from matey_core.models.matey import MateyConfig
from matey_core.store import find_stores
from matey_core.tokenizers import TokenizerConfig
from matey_core.workflows.pretrain import PretrainConfig, pretrain
from matey_core.workflows.rollout import rollout
from matey_core.workflows.rollout.settings import RolloutConfig

LEADS = (1, 10, 25, 50)
WAYS: dict[str, dict[str, Any]] = {
    "fixed": {},
    "jitter": {"jitter": True},
    "cycle": {"cycle": "ladder"},
}
"""Of rolling out."""
PATCH = (16, 8)


def main() -> None:
    """Train, roll out, and write rows or a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("stores", type=Path, help="A folder with prepared stores.")
    parser.add_argument("--out", type=Path, default=Path("jitter"), help="Folder of the runs.")
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1])
    parser.add_argument("--steps", type=int, default=600, help="Optimizer steps.")
    parser.add_argument("--starts", nargs="*", type=int, default=[0])
    parser.add_argument("--table", action="store_true", help="Write a table instead of rows.")
    options = parser.parse_args()
    rows = []
    for seed in options.seeds:
        for store in find_stores(options.stores):
            for jitter in (False, True):
                run = train(store, options, seed=seed, jitter=jitter)
                for way, settings in WAYS.items():
                    measured = roll_out(run, store, options.starts, settings)
                    trained = "jitter" if jitter else "fixed"
                    row = {"store": store.stem, "seed": seed, "training": trained, "rollout": way}
                    rows.append(row | measured)
                    if not options.table:
                        sys.stdout.write(json.dumps({**rows[-1], **machine()}) + "\n")
                        sys.stdout.flush()
    if options.table:
        sys.stdout.write(table(rows))


def train(store: Path, options: argparse.Namespace, *, seed: int, jitter: bool) -> Path:
    """Train a model, unless there is one; return its run."""
    name = f"{store.stem}-{'jitter' if jitter else 'fixed'}-{seed}"
    if not (options.out / name / "model").exists():
        tokenizer = TokenizerConfig(patch=PATCH)
        pretrain(
            PretrainConfig(
                data=store,
                runs=options.out,
                name=name,
                model=MateyConfig(width=96, depth=4, heads=3, tokenizer=tokenizer),
                history=2,
                batch_size=4,
                steps=options.steps,
                seed=seed,
                jitter=jitter,
                workers=0,
                precision="float32",
                device="cpu",
            )
        )
    return options.out / name


def roll_out(run: Path, store: Path, starts: list[int], settings: dict[str, Any]) -> dict[str, Any]:
    """Mean over starts of the errors, and of how far they stand out where patches meet."""
    reports = []
    began = time.perf_counter()
    for start in starts:
        config = RolloutConfig(
            run=run, data=store, start=start, steps=max(LEADS), windows=1, **settings
        )
        reports.append(rollout(config).stores[0])
    seconds = time.perf_counter() - began
    errors = {
        lead: statistics.fmean(r.rollout[lead - 1].mean["nrmse"].error for r in reports)
        for lead in LEADS
    }
    powers = {
        lead: statistics.fmean(largest(strongest(r.rollout[lead - 1].patches)) for r in reports)
        for lead in LEADS
    }
    last = max(LEADS) - 1
    return {
        "nrmse": errors,
        "persistence": statistics.fmean(r.rollout[last].mean["nrmse"].persistence for r in reports),
        "patch_power": powers,
        "is_found": [bool(r.artifacts) for r in reports],
        "seconds": seconds,
    }


def largest(ratios: dict[int, float]) -> float:
    """The largest of the ratios that there are."""
    known = [ratio for ratio in ratios.values() if not math.isnan(ratio)]
    return max(known, default=math.nan)


def table(rows: list[dict[str, Any]]) -> str:
    """A line for every store and way, with the values of all seeds side by side."""
    leads = " | ".join(f"nRMSE {lead}" for lead in LEADS)
    powers = " | ".join(f"power {lead}" for lead in LEADS)
    lines = [f"| store | training | rollout | {leads} | {powers} | named |"]
    lines.append("|" + "---|" * (4 + 2 * len(LEADS)))
    cases = dict.fromkeys((row["store"], row["training"], row["rollout"]) for row in rows)
    for store, training, way in cases:
        same = [
            row
            for row in rows
            if (row["store"], row["training"], row["rollout"]) == (store, training, way)
        ]
        cells = [store, training, way]
        cells += [", ".join(f"{row['nrmse'][lead]:.3g}" for row in same) for lead in LEADS]
        cells += [", ".join(f"{row['patch_power'][lead]:.2g}" for row in same) for lead in LEADS]
        named = [found for row in same for found in row["is_found"]]
        cells.append(f"{sum(named)} of {len(named)}")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
