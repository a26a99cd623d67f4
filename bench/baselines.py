"""Whether `fno` and `unet` are what their communities know, and what they reach in equal time.

python -m bench.baselines burgers > burgers.jsonl
python -m bench.baselines turbulence --seconds 60 > turbulence.jsonl

`burgers`: the operator of Li et al. (arXiv 2010.08895), from the start to t = 1 of Burgers'
equation, with their sizes (width 64, 16 modes, 1,000 samples, 256 points) and fewer steps; on
starts of PDEBench, and without the wrapper, which hides a single frame's amplitude. Their
relative L2 error is 1.5 %, and the same on a finer grid than that of training.

`turbulence`: one step ahead at Mach 0.5 and 64², all models trained for equal CPU seconds.
"""

import argparse
import json
import math
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor, nn

from bench._rows import machine
from matey_core.data import Mixture, Windows, sequential_batches
from matey_core.fields import Grid
from matey_core.losses import LossConfig
from matey_core.metrics import METRICS
from matey_core.models import MODELS, Model
from matey_core.models.fno import FnoConfig
from matey_core.store import Store, find_stores, open_store
from matey_core.workflows.simulate import simulate
from matey_core.workflows.simulate.settings import SimulateConfig

SAMPLES, TESTED = 1000, 100
ARMS: dict[str, dict[str, Any]] = {
    "matey": {
        "width": 64,
        "depth": 4,
        "heads": 2,
        "scheme": "factorized",
        "tokenizer": {"name": "uniform", "patch": [16]},
    },
    "fno": {},
    "unet": {"width": 16},
}
"""Settings of the models that turbulence is predicted by."""


def main() -> None:
    """Write the rows that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("problem", choices=["burgers", "turbulence"])
    parser.add_argument("--steps", type=int, default=2500, help="Optimizer steps, Burgers.")
    parser.add_argument("--seconds", type=float, default=60, help="CPU seconds, turbulence.")
    parser.add_argument("--rates", nargs="*", type=float, default=[4e-3], help="Learning rates.")
    parser.add_argument("--arms", nargs="*", default=list(ARMS), choices=list(ARMS))
    options = parser.parse_args()
    with TemporaryDirectory(prefix="matey-bench-") as folder:
        rows = {"burgers": burgers, "turbulence": turbulence}[options.problem]
        for row in rows(Path(folder), options):
            sys.stdout.write(json.dumps({**row, **machine()}) + "\n")
            sys.stdout.flush()


def made(folder: Path, **settings: Any) -> Store:
    """Simulate into a store of its own."""
    simulate(SimulateConfig(out=folder, store=True, workers=1, **settings))
    return open_store(find_stores(folder / "zarr")[0])


class Operator(nn.Module):
    """Layers of the model `fno` between a pointwise lift and a pointwise head."""

    def __init__(self, width: int, modes: int) -> None:
        super().__init__()
        self.width = width
        config = FnoConfig(width=width, modes=modes)
        self.net = config.build(fields=("velocity_x",), num_axes=(1,))
        self.lift = nn.Linear(1, width)
        self.head = nn.Sequential(nn.Linear(width, 128), nn.GELU(), nn.Linear(128, 1))

    def forward(self, start: Tensor) -> Tensor:
        """(b, n) → (b, n)."""
        points = start.shape[1]
        grid = Grid(axes=("x",), shape=(points,), spacing=(1 / points,), boundary=("periodic",))
        lifted = self.lift(start.unsqueeze(-1))
        condition = torch.zeros(len(start), self.width)
        return self.head(self.net.process(lifted, condition, grid)).squeeze(-1)


def burgers(folder: Path, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Errors of the operator on the grid of training, and on one four times as fine."""
    settings = {"simulator": "burgers_1d", "steps": 100, "settings": {"nu": 0.1}}
    pairs = {
        points: ends(made(folder / str(points), grid=points, samples=samples, **settings))
        for points, samples in ((256, TESTED + SAMPLES), (1024, TESTED))
    }
    torch.manual_seed(0)
    operator = Operator(64, 16)
    optimizer = torch.optim.AdamW(operator.parameters(), lr=1e-3, weight_decay=1e-4, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, options.steps, pct_start=0.1)
    training, began = pairs[256][TESTED:], time.process_time()
    for _ in range(options.steps):
        batch = training[torch.randint(len(training), (20,))]
        relative(operator(batch[:, 0]), batch[:, 1]).backward()
        optimizer.step()
        optimizer.zero_grad()
        schedule.step()
    spent = time.process_time() - began
    for points, both in pairs.items():
        with torch.inference_mode():
            error = relative(operator(both[:TESTED, 0]), both[:TESTED, 1])
        row = {"problem": "burgers", "points": points, "steps": options.steps}
        yield {**row, "relative_l2": float(error), "cpu_seconds": spent}


def ends(store: Store) -> Tensor:
    """(sample, 2, n) first and last frame of every trajectory."""
    last = store.num_frames - 1
    windows = Windows(store, range(store.num_samples), history=1, max_lead=1, step=last)
    batch = windows.batch(range(len(windows)), [[1]] * len(windows))
    assert batch.targets is not None
    return torch.cat([batch.history, batch.targets], dim=1)[:, :, 0]


def relative(prediction: Tensor, target: Tensor) -> Tensor:
    """Mean over samples of the L2 error over the L2 norm."""
    return ((prediction - target).norm(dim=1) / target.norm(dim=1)).mean()


def turbulence(folder: Path, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """One-step errors of all models after equal seconds, and of what needs no training."""
    settings = {"start": "turbulence", "mach": 0.5, "eta": 1e-8, "zeta": 1e-8}
    store = made(folder, simulator="compressible_flow", samples=40, grid=64, settings=settings)
    for arm in options.arms:
        for rate in options.rates:
            torch.manual_seed(0)
            config = MODELS[arm].choose({"variant": arm, **ARMS[arm]})
            model = config.build(fields=store.spec.names, num_axes=(2,))
            steps = train(model, store, rate=rate, seconds=options.seconds)
            yield {
                "problem": "turbulence",
                "model": arm,
                "parameters": sum(weight.numel() for weight in model.parameters()),
                "learning_rate": rate,
                "cpu_seconds": options.seconds,
                "steps": steps,
                **one_step(model, store),
            }


def train(model: Model, store: Store, *, rate: float, seconds: float) -> int:
    """Train until the seconds are over, and count the steps; the rate falls with the time."""
    windows = Windows(store, store.samples("train"), history=4, max_lead=1)
    batches = Mixture([windows], batch_size=4, seed=0)
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=1e-3, fused=True)
    loss = LossConfig.choose({"name": "nrmse"}).build()
    model.train()
    began, steps = time.process_time(), 0
    while (spent := time.process_time() - began) < seconds:
        factor = min(1.0, (steps + 1) / 20) * (1 + math.cos(math.pi * spent / seconds)) / 2
        for group in optimizer.param_groups:
            group["lr"] = rate * factor
        batch = next(batches)
        loss(model(batch), batch).total.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        steps += 1
    return steps


@torch.inference_mode()
def one_step(model: Model, store: Store) -> dict[str, float]:
    """Mean nRMSE over fields and test windows: of the model, and of the last frame repeated."""
    model.eval()
    windows = Windows(store, store.samples("test"), history=4, max_lead=1)
    errors, repeated = [], []
    for batch in sequential_batches(windows, batch_size=16, lead_steps=(1,), num_windows=64):
        assert batch.targets is not None
        errors.append(METRICS["nrmse"](model(batch).values, batch.targets))
        repeated.append(METRICS["nrmse"](batch.history[:, -1:], batch.targets))
    return {
        "nrmse": float(torch.cat(errors).mean()),
        "persistence": float(torch.cat(repeated).mean()),
    }


if __name__ == "__main__":
    main()
