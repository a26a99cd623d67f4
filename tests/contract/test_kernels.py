"""Every kernel equals the written-out reference, forward and backward."""

from collections.abc import Callable

import pytest
import torch

from matey_core.errors import ConfigError
from matey_core.kernels import KERNELS, sdpa
from matey_core.kernels.auto import _log_once, choose
from matey_core.tokens import Segments

LENGTHS = (
    Segments((7,)),
    Segments((1,)),
    Segments.same(3, 4),
    Segments((1, 9, 3, 9, 1)),
    Segments((2, 0, 5)),
    Segments((0, 0, 6)),
    Segments((130, 257, 130)),
    Segments((3, 5, 2)).repeated(4),
)
ON_CUDA_ALONE = {"flex", "varlen"}
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
ROUNDING = {torch.float32: 3e-6, torch.bfloat16: 2e-2}
"""Largest difference allowed, as a fraction of the largest value or, where all are smaller, of 1:
the exact gradients of a single token's scores are 0."""

each_kernel = pytest.mark.parametrize("name", KERNELS.names())
each_length = pytest.mark.parametrize("segments", LENGTHS, ids=repr)


def runs_here(name: str, dtype: torch.dtype) -> None:
    """Skip what this machine cannot compute."""
    if name in ON_CUDA_ALONE and DEVICE.type != "cuda":
        pytest.skip(f"{name} needs a CUDA device")
    if name in ON_CUDA_ALONE and dtype == torch.float64:
        pytest.skip(f"{name} has no float64")
    if name == "varlen" and dtype == torch.float32:
        pytest.skip("varlen needs bfloat16 or float16")


def inputs(segments: Segments, dtype: torch.dtype, width: int = 16) -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(segments.total)
    return tuple(
        torch.randn(segments.total, 2, width, generator=generator, dtype=torch.float64)
        .to(DEVICE, dtype)
        .requires_grad_()
        for _ in range(3)
    )


def written_out(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, segments: Segments
) -> torch.Tensor:
    """One sequence and one head at a time."""
    rows, start = [], 0
    for length in segments.lengths:
        span = slice(start, start + length)
        heads = []
        for head in range(q.shape[1]):
            scores = q[span, head] @ k[span, head].T / q.shape[2] ** 0.5
            weights = scores.exp() / scores.exp().sum(1, keepdim=True)
            heads.append(weights @ v[span, head])
        rows.append(torch.stack(heads, dim=1))
        start += length
    return torch.cat(rows)


Attention = Callable[..., torch.Tensor]


def with_gradients(
    attend: Attention, qkv: tuple[torch.Tensor, ...], segments: Segments
) -> list[torch.Tensor]:
    """What comes out, and the gradients of q, k and v of a weighted sum of it."""
    out = attend(*qkv, segments)
    weight = torch.arange(out.numel(), dtype=torch.float64).reshape(out.shape).sin()
    return [out, *torch.autograd.grad((out * weight.to(out)).sum(), qkv)]


@each_length
@each_kernel
def test_a_kernel_is_softmax_attention_inside_each_sequence(name: str, segments: Segments) -> None:
    runs_here(name, torch.float64)
    ours = with_gradients(KERNELS[name], inputs(segments, torch.float64), segments)
    theirs = with_gradients(written_out, inputs(segments, torch.float64), segments)
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("dtype", ROUNDING, ids=str)
@each_length
@each_kernel
def test_a_kernel_equals_the_reference_up_to_the_rounding_of_its_precision(
    name: str, segments: Segments, dtype: torch.dtype
) -> None:
    runs_here(name, dtype)
    rough = inputs(segments, dtype)
    exact = tuple(x.detach().double().requires_grad_() for x in rough)
    ours = with_gradients(KERNELS[name], rough, segments)
    theirs = with_gradients(KERNELS["math"], exact, segments)
    for mine, other in zip(ours, theirs, strict=True):
        assert mine.dtype == dtype
        size = other.abs().max().clamp(min=1)
        assert (mine.double() - other).abs().max() <= ROUNDING[dtype] * size


@pytest.mark.parametrize("width", [2, 10, 72])
@each_kernel
def test_heads_may_have_any_width(name: str, width: int) -> None:
    dtype = torch.bfloat16 if name == "varlen" else torch.float32
    runs_here(name, dtype)
    segments = Segments((5, 9))
    qkv = inputs(segments, dtype, width)
    exact = tuple(x.detach().double() for x in qkv)
    torch.testing.assert_close(
        KERNELS[name](*qkv, segments).double(),
        written_out(*exact, segments),
        rtol=ROUNDING[dtype],
        atol=ROUNDING[dtype],
    )


@each_kernel
def test_nothing_at_all_gives_nothing(name: str) -> None:
    runs_here(name, torch.float32 if name != "varlen" else torch.bfloat16)
    empty = torch.zeros(0, 2, 8, device=DEVICE, dtype=torch.bfloat16)
    assert KERNELS[name](empty, empty, empty, Segments(())).shape == (0, 2, 8)
    assert KERNELS[name](empty, empty, empty, Segments((0, 0))).shape == (0, 2, 8)


@each_kernel
def test_what_was_prepared_without_gradients_serves_training(name: str) -> None:
    dtype = torch.bfloat16 if name == "varlen" else torch.float32
    runs_here(name, dtype)
    segments = Segments((4, 11, 4))
    with torch.inference_mode():
        KERNELS[name](*inputs(segments, dtype), segments)
    for gradient in with_gradients(KERNELS[name], inputs(segments, dtype), segments):
        assert gradient.isfinite().all()


@pytest.mark.parametrize("name", sorted(ON_CUDA_ALONE))
def test_kernels_of_gpus_say_what_to_choose_instead(name: str) -> None:
    q, k, v = (x.cpu() for x in inputs(Segments((3, 4)), torch.bfloat16))
    with pytest.raises(ConfigError, match=f"model.kernel is {name}") as raised:
        KERNELS[name](q, k, v, Segments((3, 4)))
    assert "model.kernel=auto" in raised.value.remedy


@pytest.mark.parametrize(
    ("has_tiles", "exact"),
    [(True, {(128, 64), (256, 32)}), (False, {(128, 64), (256, 32), (192, 64), (512, 32)})],
)
def test_a_cpu_attends_in_float32_where_that_is_faster(
    has_tiles: bool, exact: set[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sdpa, "HAS_TILES", has_tiles)
    for rows, channels in ((128, 64), (192, 64), (256, 32), (384, 64), (512, 32), (640, 16)):
        segments = Segments((rows,))
        q, k, v = (x.detach().cpu() for x in inputs(segments, torch.bfloat16, channels))
        found = KERNELS["sdpa"](q, k, v, segments)
        rounded = KERNELS["sdpa"](q.float(), k.float(), v.float(), segments).bfloat16()
        assert torch.equal(found, rounded) == ((rows, channels) in exact), (rows, channels)


def test_flash_attention_refuses_single_precision() -> None:
    segments = Segments((3, 4))
    with pytest.raises(ConfigError, match="found float32 on"):
        KERNELS["varlen"](*inputs(segments, torch.float32), segments)


@pytest.mark.parametrize(
    ("device", "dtype", "width", "segments", "expected"),
    [
        ("cpu", torch.float32, 64, Segments((3, 4)), "sdpa"),
        ("cpu", torch.bfloat16, 64, Segments((3, 4)), "sdpa"),
        ("cuda", torch.bfloat16, 64, Segments((3, 4)), "varlen"),
        ("cuda", torch.float16, 256, Segments((3, 4)), "varlen"),
        ("cuda", torch.bfloat16, 257, Segments((3, 4)), "sdpa"),
        ("cuda", torch.bfloat16, 64, Segments.same(2, 4), "sdpa"),
        ("cuda", torch.float32, 64, Segments((3, 4)), "sdpa"),
    ],
)
def test_auto_chooses_by_device_precision_width_and_lengths(
    device: str,
    dtype: torch.dtype,
    width: int,
    segments: Segments,
    expected: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: (9, 0))
    assert choose(torch.device(device), dtype, width, segments) == expected


def test_old_gpus_take_another_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: (7, 5))
    unequal = Segments((3, 4))
    assert choose(torch.device("cuda"), torch.float16, 64, unequal) == "sdpa"


def test_auto_logs_what_it_chose_and_why(caplog: pytest.LogCaptureFixture) -> None:
    cpu = torch.device("cpu")
    _log_once.cache_clear()
    with caplog.at_level("INFO", logger="matey.kernels"):
        for segments in (Segments.same(2, 3), Segments((3, 5)), Segments((2, 5))):
            choose(cpu, torch.float32, 16, segments)
    assert [record.getMessage() for record in caplog.records] == [
        "kernel sdpa: one call for sequences of equal lengths",
        "kernel sdpa, a slow path: one call for each distinct length, as varlen cannot take "
        "float32 on cpu",
    ]


def test_short_sequences_are_attended_in_float32_inside_bfloat16_on_a_cpu() -> None:
    rough = [each.detach().bfloat16() for each in inputs(Segments.same(4, 16), torch.float64)]
    exact = [each.float() for each in rough]
    segments = Segments.same(4, 16)
    with torch.autocast("cpu", torch.bfloat16):
        found = KERNELS["sdpa"](*(each.cpu() for each in rough), segments)
    expected = KERNELS["sdpa"](*(each.cpu() for each in exact), segments)
    assert found.dtype == torch.bfloat16
    assert torch.equal(found, expected.bfloat16())
