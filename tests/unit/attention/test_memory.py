"""Memory of attention is linear in tokens, and may be spared at the price of time."""

from functools import partial
from pathlib import Path

import pytest
import torch

from matey_core.kernels import KERNELS
from matey_core.models import ModelConfig, load_model
from matey_core.profiling import saved_bytes
from matey_core.workflows.pretrain import PretrainConfig, pretrain
from tests.formula import batch_of, spec_of
from tests.support import tiny_store
from tests.unit.attention.largest import largest_tensor
from tests.unit.attention.tokens import TIMES, WIDTH, some_block, some_tokens

ON_CUDA_ALONE = {"flex", "varlen"}
LINEAR = sorted(set(KERNELS.names()) - {"math"} - ON_CUDA_ALONE)
CASES = [("full", None), ("factorized", None), ("axial", (40, 50))]


def step(scheme: str, kernel: str, lengths: tuple[int, ...], grid: tuple[int, ...] | None) -> int:
    """Train a block once; numbers in the largest tensor that appears."""
    tokens = some_tokens(lengths, grid)
    tokens = tokens.with_values(tokens.values.float().requires_grad_())
    block = some_block(scheme, kernel=kernel, measure=True).train()
    with largest_tensor() as largest:
        block(tokens, None).values.square().sum().backward()
    assert tokens.values.grad is not None
    return largest.numel


@pytest.mark.parametrize("kernel", LINEAR)
@pytest.mark.parametrize(("scheme", "grid"), CASES)
def test_no_tensor_has_more_than_a_few_numbers_for_each_channel_of_each_token(
    scheme: str, grid: tuple[int, ...] | None, kernel: str
) -> None:
    lengths = (2000,) if grid else (700, 1300)
    rows = sum(lengths) * TIMES
    assert step(scheme, kernel, lengths, grid) <= 4 * WIDTH * rows


@pytest.mark.parametrize("kernel", sorted(ON_CUDA_ALONE))
def test_kernels_of_gpus_need_one(kernel: str) -> None:
    if not torch.cuda.is_available():
        pytest.skip(f"{kernel} needs a CUDA device")
    qkv = [
        torch.randn(9000, 2, 16, device="cuda", dtype=torch.bfloat16, requires_grad=True)
        for _ in range(3)
    ]
    segments = some_tokens((4000, 5000)).segments
    with largest_tensor() as largest:
        KERNELS[kernel](*qkv, segments).sum().backward()
    assert largest.numel <= 4 * 9000 * 32


def test_the_written_out_kernel_has_a_matrix_of_all_with_all() -> None:
    assert step("full", "math", (400, 300), None) >= (400 * TIMES) ** 2


@pytest.mark.parametrize("scheme", ["full", "factorized"])
def test_what_waits_for_the_backward_pass_is_proportional_to_tokens(scheme: str) -> None:
    block = some_block(scheme, measure=True)
    small, large = (
        saved_bytes(partial(block, tokens, None))
        for tokens in (some_tokens((200, 300)), some_tokens((800, 1200)))
    )
    assert large / small == pytest.approx(4, rel=0.05)


def model_config(variant: str, scheme: str, depth: int) -> ModelConfig:
    return ModelConfig.choose(
        {
            "variant": variant,
            "scheme": scheme,
            "width": 32,
            "depth": depth,
            "heads": 2,
            "drop_path": 0.5,
            "tokenizer": {"name": "adap_mul", "patch": [8, 4], "gamma": 0.3},
        }
    )


@pytest.mark.parametrize("variant", ["matey", "paper"])
@pytest.mark.parametrize("scheme", ["full", "factorized", "axial"])
def test_computing_blocks_again_gives_the_same_gradients_with_less_memory(
    variant: str, scheme: str
) -> None:
    batch = batch_of(spec_of((16, 24)))
    found = []
    for recompute in (False, True):
        torch.manual_seed(0)
        config = model_config(variant, scheme, depth=6)
        model = config.build(fields=batch.spec.names, num_axes=(2,)).train()
        model.recompute = recompute
        torch.manual_seed(1)
        kept = saved_bytes(partial(model, batch))
        torch.manual_seed(1)
        loss = model(batch).values.square().mean()
        loss.backward()
        found.append((kept, loss.detach(), [weight.grad for weight in model.parameters()]))
    (much, plain_loss, plain), (little, loss, gradients) = found
    assert torch.equal(loss, plain_loss)
    for mine, other in zip(gradients, plain, strict=True):
        assert mine is other is None or torch.equal(mine, other)
    assert little < 0.5 * much


def test_training_may_ask_for_it(tmp_path: Path) -> None:
    tiny_store(tmp_path)
    kept, weights = [], []
    for recompute in (False, True):
        config = PretrainConfig(
            data=tmp_path,
            runs=tmp_path / "runs",
            model=model_config("matey", "full", depth=6),
            recompute=recompute,
            steps=2,
            batch_size=2,
            workers=0,
            precision="float32",
            validation_batches=1,
        )
        kept.append(saved_bytes(partial(pretrain, config)))
        run = max((tmp_path / "runs").iterdir())
        weights.append(load_model(run / "model").state_dict())
    assert kept[1] < 0.6 * kept[0]
    for name, weight in weights[0].items():
        assert torch.equal(weight, weights[1][name])
