"""Steps of compiled models beside those of models as written: seconds, and how often is compiled.

python -m bench compile
"""

import time
from collections.abc import Iterator

import torch

from matey_core.batches import FieldBatch
from matey_core.models import Model, compile_parts
from matey_core.models.matey import MateyConfig
from matey_core.profiling import SyntheticBatches, alternate
from matey_core.tokenizers import TokenizerConfig

GRID = (64, 64)
HISTORY, BATCH, STEPS, REPEATS = 4, 4, 20, 8
TOKENIZATIONS = (
    TokenizerConfig(name="uniform", patch=(8,)),
    TokenizerConfig(patch=(16, 8), tokens=40),
    TokenizerConfig(patch=(16, 8, 4), tokens=64),
    TokenizerConfig(name="adap_mul", patch=(16, 8), tokens=48),
)


def rows() -> Iterator[dict[str, object]]:
    for scheme in ("full", "factorized", "axial"):
        for tokenizer in TOKENIZATIONS:
            if scheme != "axial" or tokenizer.name != "adap_mix":
                yield row(scheme, tokenizer)


def row(scheme: str, tokenizer: TokenizerConfig) -> dict[str, object]:
    """Times of a step as written and compiled, in turn, after `STEPS` steps to warm up."""
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    config = MateyConfig(scheme=scheme, tokenizer=tokenizer)
    batches = SyntheticBatches(("u", "v"), GRID, history=HISTORY, batch_size=BATCH)
    batch = next(batches).to(device)
    plain, compiled = (_model(config).to(device) for _ in range(2))
    compile_parts(compiled)
    start = time.perf_counter()
    _train(compiled, batch)
    first = time.perf_counter() - start
    for _ in range(STEPS - 1):
        _train(compiled, next(batches).to(device))
    runs = [lambda: _train(plain, batch), lambda: _train(compiled, batch)]
    times = alternate(runs, device, rounds=REPEATS)
    return {
        "what": "step",
        "scheme": scheme,
        "tokenizer": tokenizer.name,
        "patch": list(tokenizer.patch),
        "tokens": int(plain.count_tokens(batch)[0]),
        "device": str(device),
        "plain_s": times[0],
        "compiled_s": times[1],
        "ratio": times[1] / times[0],
        "first_step_s": first,
        "compilations": torch._dynamo.utils.counters["stats"]["unique_graphs"],
        "steps": STEPS,
    }


def _model(config: MateyConfig) -> Model:
    torch.manual_seed(0)
    return config.build(fields=("u", "v"), num_axes=(2,)).train()


def _train(model: Model, batch: FieldBatch) -> None:
    model(batch).values.square().mean().backward()
    model.zero_grad(set_to_none=True)
    if batch.history.is_cuda:
        torch.cuda.synchronize()
