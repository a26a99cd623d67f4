"""bfloat16 only where it is faster, and only if it is close to float32."""

import pytest
import torch
from torch import Tensor

from matey_core.batches import FieldBatch
from matey_core.data import Windows
from matey_core.distributed import Place
from matey_core.distributed.single import Single
from matey_core.kernels import KERNELS
from matey_core.losses.nrmse import nrmse
from matey_core.nn.self_attention import SelfAttention
from matey_core.objectives.one_step import OneStepConfig
from matey_core.runs.processes import agree_on_precision
from matey_core.store import open_store
from matey_core.tokens import Segments
from matey_core.training import Precision, choose_precision, measure_parity
from matey_core.training import precision as module
from tests.support import tiny_store
from tests.training import tiny_model

CPU = torch.device("cpu")
NRMSE = OneStepConfig().build(nrmse)


@pytest.fixture(scope="module")
def batch(tmp_path_factory: pytest.TempPathFactory) -> FieldBatch:
    store = open_store(tiny_store(tmp_path_factory.mktemp("data")))
    return Windows(store, (0, 1), history=2, max_lead=2).batch([0, 3, 9], [[1], [2], [1]])


def build() -> torch.nn.Module:
    torch.manual_seed(0)
    return tiny_model().build(fields=("density", "velocity_x"), num_axes=(2,))


def test_parity_is_measured_and_leaves_no_trace(batch: FieldBatch) -> None:
    model = build().train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    parity = measure_parity(model, batch, NRMSE, CPU)
    assert 0 < parity.gradient < module.LARGEST_GRADIENT_ERROR
    assert 0 <= parity.prediction < module.LARGEST_ERROR
    assert parity.is_good
    assert model.training
    assert all(parameter.grad is None for parameter in model.parameters())
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])


def test_a_kernel_without_float32_is_compared_with_another(
    batch: FieldBatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`varlen` needs a GPU: what stands in for it here refuses float32 just as it does."""

    def half_only(q: Tensor, k: Tensor, v: Tensor, segments: Segments) -> Tensor:
        assert v.dtype == torch.bfloat16
        return KERNELS["sdpa"](q, k, v, segments)

    model = build().train()
    expected = measure_parity(model, batch, NRMSE, CPU)
    model.config = model.config.model_copy(update={"kernel": "varlen"})
    attentions = [part for part in model.modules() if isinstance(part, SelfAttention)]
    for part in attentions:
        part.kernel = half_only
    assert measure_parity(model, batch, NRMSE, CPU) == expected
    assert all(part.kernel is half_only for part in attentions)


def test_the_choice_is_a_measured_one(batch: FieldBatch, monkeypatch: pytest.MonkeyPatch) -> None:
    for gain, expected in [(1.05, "float32"), (1.4, "bfloat16"), (0.1, "float32")]:
        seconds, taken = {"float32": gain, "bfloat16": 1.0}, []

        def timed(*given: object, s: dict[str, float] = seconds, n: list[str] = taken) -> float:
            precision = next(each for each in given if isinstance(each, Precision))
            n.append(precision.name)
            return s[precision.name]

        monkeypatch.setattr(module, "_seconds", timed)
        chosen = choose_precision(build(), batch, NRMSE, CPU)
        assert chosen.name == expected
        assert f"{gain:.2f} times as fast" in chosen.reason
        assert taken == ["float32", "bfloat16"] * (1 if gain < 0.25 else 4)


def test_the_choice_leaves_no_trace(batch: FieldBatch) -> None:
    model = build().train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state = torch.get_rng_state()
    choose_precision(model, batch, NRMSE, CPU)
    assert model.training
    assert torch.equal(torch.get_rng_state(), state)
    assert all(parameter.grad is None for parameter in model.parameters())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_bad_parity_falls_back_to_float32(
    batch: FieldBatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SPEED_UP", 0.0)
    monkeypatch.setattr(module, "LARGEST_GRADIENT_ERROR", 0.0)
    strategy = Single(Place(), CPU)
    chosen, parity = agree_on_precision("auto", build(), lambda: batch, NRMSE, strategy)
    assert chosen.name == "float32"
    assert "further from float32" in chosen.reason
    assert parity is not None
    chosen, _ = agree_on_precision("bfloat16", build(), lambda: batch, NRMSE, strategy)
    assert chosen.name == "bfloat16"


def test_autocast_is_on_only_in_bfloat16() -> None:
    a = torch.ones(2, 2)
    for name, dtype in [("float32", torch.float32), ("bfloat16", torch.bfloat16)]:
        with Precision(name=name).autocast(CPU):
            assert (a @ a).dtype == dtype


def test_a_gpu_that_trains_in_float32_multiplies_in_tf32() -> None:
    before = torch.get_float32_matmul_precision()
    exact, rough = Precision(name="float32"), Precision(name="bfloat16")
    with exact.training(torch.device("cuda")):
        assert torch.get_float32_matmul_precision() == "high"
    for precision, device in ((exact, "cpu"), (rough, "cuda")):
        with precision.training(torch.device(device)):
            assert torch.get_float32_matmul_precision() == before
    assert torch.get_float32_matmul_precision() == before
