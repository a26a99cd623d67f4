"""Training steps and solvers on a GPU: seconds, kernels, memory and use of the matrix units.

python -m bench gpu

No GPU has run it yet. Without one there are no rows; `step_row` works on a CPU as well.
"""

from collections.abc import Iterator

import torch
from torch.profiler import ProfilerActivity, profile

from bench.simulators import rows_of
from matey_core.losses.nrmse import nrmse
from matey_core.models import compile_parts
from matey_core.models.matey import MateyConfig
from matey_core.objectives.one_step import OneStepConfig
from matey_core.optimizers.muon import MuonConfig
from matey_core.profiling import (
    SyntheticBatches,
    TrainingStep,
    count_flops,
    countable,
    matmul_peak,
    measure_step,
)
from matey_core.tokenizers import TokenizerConfig

PRESETS = ("ti", "s", "b", "l")
GRID, HISTORY, TOKENS = (256, 256), 2, 1024
"""4,096 tokens in a step of preset b, as many again for both frames: 2 × 4 × 1,024."""
BATCH = 4
SECONDS = 3.0
"""Of every measurement."""
SOLVERS = ("burgers_1d", "diffusion_reaction", "compressible_flow", "vorticity")


def rows() -> Iterator[dict[str, object]]:
    if not torch.cuda.is_available():
        return
    device = torch.device("cuda")
    for preset in PRESETS:
        for dtype in (torch.float32, torch.bfloat16):
            for is_compiled in (False, True):
                yield step_row(preset, device, dtype=dtype, is_compiled=is_compiled)
    for name in SOLVERS:
        for row in rows_of(name, device="cuda"):
            yield {"what": "solver", **row}


def step_row(
    preset: str,
    device: torch.device,
    *,
    dtype: torch.dtype,
    is_compiled: bool,
    grid: tuple[int, ...] = GRID,
    tokens: int = TOKENS,
    seconds: float = SECONDS,
) -> dict[str, object]:
    """Measure steps of one size of model; operations count those of matrix products."""
    torch.manual_seed(0)
    tokenizer = TokenizerConfig(patch=(16, 8), tokens=tokens)
    config = MateyConfig.model_validate({"preset": preset, "tokenizer": tokenizer})
    model = config.build(fields=("u", "v"), num_axes=(len(grid),)).to(device).train()
    step = TrainingStep(
        model=model,
        batches=SyntheticBatches(("u", "v"), grid, history=HISTORY, batch_size=BATCH),
        objective=OneStepConfig().build(nrmse),
        optimizer=MuonConfig().build(model),
        device=device,
        dtype=dtype,
    )
    batch = next(step.batches).to(device)
    with countable(model):
        flops = count_flops(lambda: step.forward(batch)).total
    model.zero_grad(set_to_none=True)
    if is_compiled:
        compile_parts(model)
    found = measure_step(step, seconds=seconds, with_shares=False)
    peak = matmul_peak(device, dtype)
    return {
        "what": "step",
        "preset": preset,
        "dtype": str(dtype).removeprefix("torch."),
        "compiled": is_compiled,
        "tokens": tokens,
        "batch": BATCH,
        "seconds": found.seconds,
        "spread": found.spread,
        "kernels": _kernels(step),
        "peak_mb": found.peak_memory / 1e6,
        "flops": flops,
        "matmul_peak": peak,
        "utilization": flops / found.seconds / peak,
    }


def _kernels(step: TrainingStep) -> int:
    """Operations that one step starts: kernels of a GPU, or PyTorch's own operations."""
    has_gpu = step.device.type == "cuda"
    with profile(activities=[ProfilerActivity.CUDA if has_gpu else ProfilerActivity.CPU]) as seen:
        step.run()
        if has_gpu:
            torch.cuda.synchronize()
    return sum(1 for event in seen.events() if not has_gpu or "CUDA" in str(event.device_type))
