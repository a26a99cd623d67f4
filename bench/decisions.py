"""What each choice of the matey variant is worth: one choice at a time set back to the paper's.

python -m bench.decisions ./data/zarr > decisions.jsonl

Every arm trains for the same number of steps on the same batches, with three seeds, and
is scored on the test trajectories: one-step nRMSE and nRMSE at the longest lead, each as a
multiple of persistence's (geometric mean over fields). One JSON line a run.
"""

import argparse
import json
import math
import sys
import time
from pathlib import Path

import torch

from bench._rows import machine
from matey_core.data import Mixture, Windows, sequential_batches
from matey_core.losses import LOSSES
from matey_core.metrics import METRICS
from matey_core.models import Model, ModelConfig
from matey_core.models.matey import MateyConfig
from matey_core.models.paper import PaperConfig, PaperTokenizerConfig
from matey_core.optimizers import set_rate
from matey_core.optimizers.adamw import AdamwConfig
from matey_core.schedules.warmup_cosine import WarmupCosineConfig
from matey_core.store import Store, find_stores, open_store
from matey_core.tokenizers import TokenizerConfig

SMALL = {"width": 96, "depth": 4, "heads": 3}
TOKENS = TokenizerConfig(name="adap_mix", patch=(16, 8), gamma=0.2)
PAPER_TOKENS = PaperTokenizerConfig(name="adap_mix", patch=(16, 8), gamma=0.2)
PUBLISHED_SCALE = 1e-6
ARMS: dict[str, ModelConfig] = {
    "matey": MateyConfig(tokenizer=TOKENS, **SMALL),
    "criterion on raw fields": MateyConfig(
        tokenizer=TOKENS.model_copy(update={"criterion": "raw_variance"}), **SMALL
    ),
    "norms over all tokens": MateyConfig(tokenizer=TOKENS, norm="sequence", **SMALL),
    "lead time in block 0 only": MateyConfig(tokenizer=TOKENS, conditioning="first_block", **SMALL),
    "layer scale 1e-6": MateyConfig(tokenizer=TOKENS, layer_scale=PUBLISHED_SCALE, **SMALL),
    "layer scale 1": MateyConfig(tokenizer=TOKENS, layer_scale=1.0, **SMALL),
    "no positions": MateyConfig(tokenizer=TOKENS, position="none", **SMALL),
    "the paper's positions": MateyConfig(tokenizer=TOKENS, position="fourier", **SMALL),
    "state instead of increment": MateyConfig(
        tokenizer=TOKENS, increment=False, trend=False, **SMALL
    ),
    "no trend": MateyConfig(tokenizer=TOKENS, trend=False, **SMALL),
    "no innovation": MateyConfig(tokenizer=TOKENS, innovation=False, trend=False, **SMALL),
    "no details to the head": MateyConfig(tokenizer=TOKENS, details=False, **SMALL),
    "neither increment nor innovation nor details": MateyConfig(
        tokenizer=TOKENS, increment=False, innovation=False, trend=False, details=False, **SMALL
    ),
    "paper": PaperConfig(tokenizer=PAPER_TOKENS, **SMALL),
    "paper with positions": PaperConfig(tokenizer=PAPER_TOKENS, position="fourier", **SMALL),
}


def main() -> None:
    """Run the arms that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("stores", type=Path, help="A folder with prepared stores.")
    parser.add_argument("--arms", nargs="*", default=list(ARMS), choices=list(ARMS))
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--loss", default="nrmse", choices=LOSSES.names())
    parser.add_argument("--history", type=int, default=3)
    parser.add_argument("--max-lead", type=int, default=4)
    options = parser.parse_args()
    stores = [open_store(path) for path in find_stores(options.stores)]
    for arm in options.arms:
        for seed in options.seeds:
            row = {"arm": arm, "seed": seed, **run(ARMS[arm], stores, seed, options)}
            sys.stdout.write(json.dumps({**row, **machine()}) + "\n")
            sys.stdout.flush()


def run(
    config: ModelConfig, stores: list[Store], seed: int, options: argparse.Namespace
) -> dict[str, float]:
    """Train one model and score it."""
    torch.manual_seed(seed)
    reach = {"history": options.history, "max_lead": options.max_lead}
    training = [Windows(store, store.samples("train"), **reach) for store in stores]
    names = dict.fromkeys(name for store in stores for name in store.spec.names)
    axes = {store.spec.grid.num_axes for store in stores}
    model = config.build(fields=names, num_axes=axes)
    started = time.perf_counter()
    train(model, Mixture(training, batch_size=options.batch_size, seed=seed), options)
    seconds = time.perf_counter() - started
    testing = [Windows(store, store.samples("test"), **reach) for store in stores]
    return {
        "one_step": score(model, testing, 1),
        f"lead_{options.max_lead}": score(model, testing, options.max_lead),
        "seconds": seconds,
        "steps": options.steps,
        "learning_rate": options.learning_rate,
    }


def train(model: Model, batches: Mixture, options: argparse.Namespace) -> None:
    """Take the same number of optimizer steps with every arm."""
    optimizer = AdamwConfig(learning_rate=options.learning_rate).build(model)
    schedule = WarmupCosineConfig(warmup=0.1).build(options.steps)
    loss = LOSSES[options.loss]().build()
    model.train()
    for step in range(options.steps):
        set_rate(optimizer, schedule(step))
        batch = next(batches)
        loss(model(batch), batch).total.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)


@torch.inference_mode()
def score(model: Model, testing: list[Windows], lead: int) -> float:
    """Geometric mean over fields of nRMSE as a multiple of persistence's."""
    nrmse = METRICS["nrmse"]
    model.eval()
    ratios = []
    for windows in testing:
        errors, baselines = [], []
        for batch in sequential_batches(windows, batch_size=16, lead_steps=(lead,), num_windows=96):
            assert batch.targets is not None
            errors.append(nrmse(model(batch).values, batch.targets))
            baselines.append(nrmse(batch.history[:, -1:].expand_as(batch.targets), batch.targets))
        ratio = torch.cat(errors).mean((0, 1)) / torch.cat(baselines).mean((0, 1))
        ratios += ratio.tolist()
    return math.exp(sum(map(math.log, ratios)) / len(ratios))


if __name__ == "__main__":
    main()
