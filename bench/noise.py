"""What noise on training histories does to one step and to a rollout.

python -m bench.noise ./data/zarr > noise.jsonl

Models of `bench.decisions`, trained alike but for the noise; errors of the test trajectories
as multiples of persistence's, at several frames of a rollout by single steps and by strides.
"""

import argparse
import json
import sys
from pathlib import Path

import torch

from bench._rows import machine
from bench.decisions import ARMS, score, train
from matey_core.augmentations.noise import Noise
from matey_core.data import Mixture, Windows
from matey_core.inference import rollout
from matey_core.metrics import METRICS, persistence
from matey_core.models import Model
from matey_core.store import find_stores, open_store

FRAMES = (1, 4, 8, 20, 60)
STARTS = (0, 10, 20)


def main() -> None:
    """Train with each strength and roll out."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("stores", type=Path, help="A folder with prepared stores.")
    parser.add_argument("--strengths", nargs="*", type=float, default=[0.0, 0.1, 0.3])
    parser.add_argument("--steps", type=int, default=300)
    options = parser.parse_args()
    training = argparse.Namespace(steps=options.steps, learning_rate=2e-3, loss="nrmse")
    stores = [open_store(path) for path in find_stores(options.stores)]
    names = dict.fromkeys(name for store in stores for name in store.spec.names)
    for strength in options.strengths:
        torch.manual_seed(0)
        model = ARMS["matey"].build(fields=names, num_axes={2})
        windows = [Windows(s, s.samples("train"), history=3, max_lead=4) for s in stores]
        noise = Noise(strength)
        train(model, Mixture(windows, batch_size=8, seed=0, augment=noise), training)
        testing = [Windows(s, s.samples("test"), history=3, max_lead=4) for s in stores]
        rows = {"noise": strength, "one_step": score(model, testing, 1)}
        for store in stores:
            ahead = Windows(store, store.samples("test"), history=3, max_lead=max(FRAMES))
            rows |= {
                f"{store.name} stride {stride}": ratios(model, ahead, stride) for stride in (1, 4)
            }
        sys.stdout.write(json.dumps({**rows, **machine()}) + "\n")
        sys.stdout.flush()


def ratios(model: Model, windows: Windows, stride: int) -> dict[str, list[float]]:
    """For every field: nRMSE over persistence's at each of `FRAMES`."""
    leads = list(range(1, max(FRAMES) + 1))
    batch = windows.batch(STARTS, [leads] * len(STARTS))
    assert batch.targets is not None
    states = torch.stack(list(rollout(model, batch, steps=max(FRAMES), stride=stride)), dim=1)
    nrmse = METRICS["nrmse"]
    error = nrmse(states, batch.targets).mean(0)
    relative = error / nrmse(persistence(batch), batch.targets).mean(0)
    names = enumerate(windows.store.spec.names)
    return {
        name: [float(f"{relative[frame - 1, field]:.3g}") for frame in FRAMES]
        for field, name in names
    }


if __name__ == "__main__":
    main()
