"""Commands whose results must not change; a case that trains has its name as the run's name.

Cases of one stage need those of earlier stages and none of their own. When an option or a
setting gets another name, adapt it here: the record stays.
"""

import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "pdebench_64"
"""Genuine files; their cases are left out where they are missing."""

TRAIN = (
    "--steps 6 --batch-size 4 --seed 3 --precision float32 --device cpu "
    "--set validate_every=3 --set validation_batches=1 "
    "--loss nrmse --objective one_step --augment noise"
)
SMALL = (
    f"{TRAIN} --variant matey --set model.tokenizer.gamma=0.3 --history 2 --max-lead 2 "
    "--set model.width=32 --set model.depth=2 "
    "--set model.heads=2 --set model.tokenizer.patch=[8,4]"
)
FINETUNE = f"finetune runs/full-adap_mix --data other {TRAIN} --n-samples 2"
PAPER = (
    "--set model.variant=paper --set model.width=24 --loss relative_mse "
    "--set model.drop_path=0.2 --set clip=0.5 --set noise=0.0"
)
ROLLOUT = "--steps 4 --windows 16 --samples 2"
LONG = SMALL.replace("--steps 6", "--steps 60").replace("validate_every=3", "validate_every=20")


class Case(NamedTuple):
    """One command, and where its results lie."""

    line: str
    stores: str = ""
    """Folder of the Zarr stores that it writes."""
    interrupted_after: int = 0
    """Kill it at a checkpoint of this step or a later one, and resume."""
    keep: tuple[str, ...] = ()
    """Keys of its JSON document that are results; by default all that are no times or places."""


SIMULATE: dict[str, Case] = {
    "simulate-line": Case("simulate burgers-1d --samples 6 --grid 32 --steps 9 --out data"),
    "simulate-flat": Case("simulate diffusion-reaction --samples 6 --grid 32 --steps 9 --out data"),
    "simulate-solid": Case(
        "simulate compressible-flow --samples 5 --grid 16 --steps 6 --set dimension=3 --out data"
    ),
    "simulate-other": Case("simulate shallow-water --samples 6 --grid 32 --steps 9 --out other"),
    "simulate-vortices": Case("simulate vorticity --samples 6 --grid 16 --steps 9 --out other"),
    "simulate-static": Case(
        "simulate darcy --samples 8 --grid 16 --store --out static", stores="static/zarr"
    ),
    "simulate-store": Case(
        "simulate advection-2d --samples 3 --grid 16 --steps 4 --store --out direct",
        stores="direct/zarr",
    ),
}
PREPARE: dict[str, Case] = {
    "prepare": Case("prepare pdebench data --split 0.6,0.2,0.2", stores="data/zarr"),
    "prepare-other": Case(
        "prepare pdebench other --split 0.6,0.2,0.2 --compress lz4", stores="other/zarr"
    ),
}
SCHEMES: dict[str, Case] = {
    f"{scheme}-{tokenizer}": Case(
        f"pretrain {SMALL} --data data --scheme {scheme} --tokenizer {tokenizer}"
    )
    for scheme in ("full", "factorized", "axial")
    for tokenizer in ("uniform", "adap_mix", "adap_mul")
    if (scheme, tokenizer) != ("axial", "adap_mix")
}
PRETRAIN: dict[str, Case] = {
    **SCHEMES,
    "paper-full-adap_mix": Case(f"pretrain {SMALL} {PAPER} --set model.position=fourier"),
    "paper-factorized-adap_mul": Case(
        f"pretrain {SMALL} {PAPER} --set model.position=none --scheme factorized "
        "--tokenizer adap_mul"
    ),
    "paper-axial-uniform": Case(
        f"pretrain {SMALL} {PAPER} --set model.position=none --scheme axial --tokenizer uniform"
    ),
    "static": Case(f"pretrain {SMALL} --data static --history 1 --max-lead 1"),
    "relative_mse": Case(f"pretrain {SMALL} --set objective=relative_mse"),
    "augmented": Case(f"pretrain {SMALL} --augment flip,rotate,roll,scale,noise"),
    "optimizer": Case(
        f"pretrain {SMALL} --augment noise --learning-rate 0.003 --mix-exponent 0 "
        "--set warmup=0.5 --set weight_decay=0.1 --set noise=0.1 --set clip=0.05 "
        "--set recompute=true"
    ),
    "tokens": Case(f"pretrain {SMALL} --data data/zarr/2D_diff-react_NA_NA.zarr --tokens 40"),
    "tokens-range": Case(
        f"pretrain {SMALL} --data data/zarr/2D_diff-react_NA_NA.zarr --tokens-range 20,50"
    ),
    "flops": Case(f"pretrain {SMALL} --data data/zarr/2D_diff-react_NA_NA.zarr --flops 5M"),
    "ratio-adap_mul": Case(
        f"pretrain {SMALL} --tokenizer adap_mul --set model.tokenizer.ratio=0.4"
    ),
    "jitter": Case(f"pretrain {SMALL} --set jitter=true"),
    "bfloat16": Case(f"pretrain {SMALL} --precision bfloat16"),
    "learned": Case(
        f"pretrain {SMALL} --set model.tokenizer.criterion=learned+gradient "
        "--set model.tokenizer.ratio=0.5 --set model.measure=true "
        "--set model.tokenizer.keep_parents=true --set model.tokenizer.balanced=true"
    ),
    "published-choices": Case(
        f"pretrain {SMALL} --set model.position=fourier --set model.norm=sequence "
        "--set model.conditioning=first_block --set model.increment=false "
        "--set model.trend=false --set model.details=false --set model.drop_path=0.1 "
        "--set model.width=48"
    ),
    "coarse-cells": Case(
        f"pretrain {SMALL} --set model.tokenizer.patch=[8,4,2] "
        "--set model.tokenizer.coarse_cells=20 --set model.tokenizer.gamma=0.5"
    ),
    "two-processes": Case(f"pretrain {SMALL} --nproc 2"),
    "two-processes-share": Case(f"pretrain {SMALL} --nproc 2 --sequence-parallel 2"),
    "uninterrupted": Case(f"pretrain {LONG} --data data/zarr/2D_diff-react_NA_NA.zarr"),
    "interrupted": Case(
        f"pretrain {LONG} --data data/zarr/2D_diff-react_NA_NA.zarr", interrupted_after=20
    ),
}
USE: dict[str, Case] = {
    "finetune": Case(FINETUNE),
    "finetune-frozen": Case(f"{FINETUNE} --freeze-attention"),
    "finetune-from-scratch": Case(f"{FINETUNE} --from-scratch"),
    "finetune-tokens": Case(f"{FINETUNE} --tokens 40 --augment flip,noise"),
    "finetune-paper": Case(
        f"finetune runs/paper-full-adap_mix --data other {TRAIN} --n-samples 2 --freeze-attention"
    ),
    "rollout": Case(
        f"rollout runs/full-adap_mix {ROLLOUT} --out rollouts/pretrained",
        stores="rollouts/pretrained",
    ),
    "rollout-paper": Case(
        f"rollout runs/paper-full-adap_mix {ROLLOUT} --stride 2 --out rollouts/paper",
        stores="rollouts/paper",
    ),
    "rollout-axial": Case(
        f"rollout runs/axial-adap_mul {ROLLOUT} --start 1 --out rollouts/axial",
        stores="rollouts/axial",
    ),
    "rollout-jitter": Case(
        f"rollout runs/jitter {ROLLOUT} --jitter --seed 2 --out rollouts/jitter",
        stores="rollouts/jitter",
    ),
    "rollout-cycle": Case(
        f"rollout runs/full-adap_mix {ROLLOUT} --cycle ladder --out rollouts/cycle",
        stores="rollouts/cycle",
    ),
    "rollout-static": Case(
        "rollout runs/static --steps 1 --out rollouts/static", stores="rollouts/static"
    ),
    "inspect-tokens": Case("tokenize-inspect data/zarr/2D_diff-react_NA_NA.zarr --run runs/tokens"),
    "inspect-tokens-all": Case(
        "tokenize-inspect data/zarr/3D_CFD_Rand_M1.0_Eta0.01_Zeta0.01_periodic_Train.zarr "
        "--run runs/full-adap_mul --all"
    ),
    "profile": Case(
        "profile runs/full-adap_mix --data data --compare --seconds 0.1 --precision float32",
        keep=("rows.scheme", "rows.tokenizer", "rows.patch", "parameters", "tokens", "flops"),
    ),
    "profile-paper": Case(
        "profile runs/paper-factorized-adap_mul --data data --seconds 0.1 --precision float32",
        keep=("rows.scheme", "rows.tokenizer", "rows.patch", "parameters", "tokens", "flops"),
    ),
    "data-check": Case("data check data"),
    "data-inspect": Case("data inspect data"),
    "data-inspect-store": Case("data inspect other/zarr"),
    "study-criterion": Case("study criterion --run runs/full-adap_mix --out criterion.png"),
    "study-equal-cost": Case(
        "study equal-cost --data data/zarr/2D_diff-react_NA_NA.zarr --levels 8,4 --tokens 40 "
        "--only steps --steps 4 --seeds 2 --measure 0.01 --rollout-steps 3 --batch-size 4 "
        "--history 2 --max-lead 2 --precision float32 --set model.width=16 --set model.depth=1 "
        "--set model.heads=2 --set validation_batches=1 --out study"
    ),
}
AGAIN: dict[str, Case] = {
    "rollout-finetuned": Case(
        f"rollout runs/finetune-frozen {ROLLOUT} --out rollouts/finetuned",
        stores="rollouts/finetuned",
    ),
    "finetune-again": Case(f"finetune runs/finetune-frozen --data data {TRAIN}"),
}
GENUINE: list[dict[str, Case]] = [
    {
        "prepare-genuine": Case(
            f"prepare pdebench {SHARED} --out genuine --limit 5 --split 0.6,0.2,0.2 --stride 5",
            stores="genuine",
        )
    },
    {"genuine": Case(f"pretrain {SMALL} --data genuine")},
    {
        "rollout-genuine": Case(
            f"rollout runs/genuine {ROLLOUT} --out rollouts/genuine", stores="rollouts/genuine"
        )
    },
]


def stages() -> list[dict[str, Case]]:
    """Every case that can run here, in the order of what they need."""
    if not SHARED.exists():
        return [SIMULATE, PREPARE, PRETRAIN, USE, AGAIN]
    prepare, pretrain, rollout = GENUINE
    return [SIMULATE, PREPARE | prepare, PRETRAIN | pretrain, USE | rollout, AGAIN]


def selected(patterns: list[str]) -> list[dict[str, Case]]:
    """Cases whose name fits a pattern, the runs that they name, and all data."""
    data, uses = stages()[:2], stages()[2:]
    wanted = {
        name
        for stage in uses
        for name in stage
        if any(fnmatchcase(name, pattern) for pattern in patterns)
    }
    for stage in reversed(uses):
        for name in wanted & set(stage):
            wanted |= set(re.findall(r"runs/([\w-]+)", stage[name].line))
    return [*data, *({name: stage[name] for name in stage if name in wanted} for stage in uses)]
