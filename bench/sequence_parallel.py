"""What each of several processes that share every sample keeps for the backward pass.

python -m bench sequence_parallel

Every process has one thread, so that with more processes than cores the seconds say nothing.
"""

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor

from matey_core.distributed import Strategy, join, launch, place_of_this_process
from matey_core.losses.nrmse import nrmse
from matey_core.models import Model
from matey_core.models.matey import MateyConfig
from matey_core.profiling import SyntheticBatches, saved_bytes
from matey_core.tokenizers import TokenizerConfig

SIZES = (1, 2, 4)
GRID = (128, 256)
HISTORY = 2
REPEATS = 3
TOKENIZERS = {
    "uniform": TokenizerConfig(name="uniform", patch=(8,)),
    "adap_mix": TokenizerConfig(patch=(16, 8, 4), tokens=512),
    "adap_mul": TokenizerConfig(name="adap_mul", patch=(16, 8), tokens=512),
}
CASES = [
    {"scheme": "full", "tokenizer": "uniform", "heads": 3},
    {"scheme": "full", "tokenizer": "uniform", "heads": 4},
    {"scheme": "full", "tokenizer": "adap_mix", "heads": 3},
    {"scheme": "full", "tokenizer": "adap_mix", "heads": 4},
    {"scheme": "factorized", "tokenizer": "adap_mix", "heads": 3},
    {"scheme": "factorized", "tokenizer": "adap_mul", "heads": 4},
    {"scheme": "axial", "tokenizer": "uniform", "heads": 4},
]
"""Of width 192, as preset ti, which has three heads: with them keys and values go round, with
four the heads are shared out."""


def rows() -> Iterator[dict[str, object]]:
    found = {}
    with TemporaryDirectory() as folder:
        for size in SIZES:
            out = Path(folder, f"{size}.json")
            launch(("bench.sequence_parallel", str(out)), num_processes=size)
            found[size] = json.loads(out.read_text())
    for index, case in enumerate(CASES):
        one = found[1][index]
        for size in SIZES:
            here = found[size][index]
            yield {
                **case,
                "processes": size,
                **here,
                "memory_ratio": here["saved_bytes"] / one["saved_bytes"],
                "time_ratio": here["step_s"] / one["step_s"],
            }


def _member(out: Path) -> None:
    """Measure all cases in one of the processes; the first writes what was found."""
    torch.set_num_threads(1)
    size = place_of_this_process().size
    strategy = join(torch.device("cpu"), sequence_size=size)
    found = [_measured(case, strategy) for case in CASES]
    if strategy.place.is_first:
        out.write_text(json.dumps(found))
    strategy.close()


def _measured(case: dict[str, str | int], strategy: Strategy) -> dict[str, float]:
    torch.manual_seed(0)
    config = MateyConfig(
        scheme=str(case["scheme"]),
        heads=int(case["heads"]),
        tokenizer=TOKENIZERS[str(case["tokenizer"])],
    )
    model = config.build(fields=("u", "v"), num_axes=(2,)).train()
    if strategy.sequence is not None:
        model.share_samples(strategy.sequence)
    seconds = []
    for _ in range(REPEATS):
        saved, elapsed = _step(model, strategy)
        seconds.append(elapsed)
    largest = max(int(each) for each in strategy.all_gather(torch.tensor(saved)))
    return {"saved_bytes": largest, "step_s": min(seconds)}


def _step(model: Model, strategy: Strategy) -> tuple[int, float]:
    """Bytes kept between the passes, parameters left out; and seconds."""
    batch = next(SyntheticBatches(("u", "v"), GRID, history=HISTORY, batch_size=1))
    losses: list[Tensor] = []

    def forward() -> None:
        losses.append(nrmse(model(batch), batch).total)

    began = time.perf_counter()
    saved = saved_bytes(forward, without=model.parameters())
    losses[0].backward()
    strategy.all_reduce_gradients(list(model.parameters()))
    model.zero_grad(set_to_none=True)
    return saved, time.perf_counter() - began


if __name__ == "__main__":
    _member(Path(sys.argv[1]))
