"""Adapters start from nothing, leave the base alone, and fold into it."""

import copy
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from matey_core.errors import ConfigError
from matey_core.finetuning._low_rank import LowRank
from matey_core.finetuning.lora import LoraConfig
from matey_core.models import MODELS, AdapterBase, Model, compile_parts, load_model, save_model
from tests.formula import batch_of, spec_of
from tests.training import tiny_model

BATCH = batch_of(spec_of((16, 24)))


@pytest.fixture
def model() -> Model:
    torch.manual_seed(0)
    return tiny_model().build(fields=("density", "velocity_x"), num_axes=(2,)).eval()


def adapters(model: Model) -> dict[str, LowRank]:
    return {name: module for name, module in model.named_modules() if isinstance(module, LowRank)}


def trained(model: Model, mode: LoraConfig) -> Model:
    """The prepared model after three steps on its own output."""
    return stepped(prepared(model, mode))


def prepared(model: Model, mode: LoraConfig) -> Model:
    mode.prepare(model)
    return model


def stepped(model: Model) -> Model:
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.1)
    for _ in range(3):
        model(BATCH).values.square().mean().backward()
        optimizer.step()
    return model.eval()


def test_at_first_it_predicts_what_the_base_does(model: Model) -> None:
    expected = model(BATCH).values
    LoraConfig().prepare(model)
    assert torch.equal(model(BATCH).values, expected)


def test_only_adapters_train_and_each_of_them(model: Model) -> None:
    before = {name: value.clone() for name, value in model.state_dict().items()}
    trained(model, LoraConfig(rank=2))
    for name, value in model.named_parameters():
        if ".lora." in name:
            assert value.grad is not None
            assert value.any(), name
        else:
            assert torch.equal(value, before[name]), name
            assert value.grad is None
    found = set(adapters(model))
    assert {"processor.blocks.1.stages.0.qkv.lora", "processor.everywhere.lora"} <= found
    assert not any(name.startswith(("stems", "heads")) for name in found)


@pytest.mark.parametrize("variant", MODELS.names())
def test_every_model_uses_its_adapters(variant: str) -> None:
    torch.manual_seed(0)
    model = MODELS[variant].tiny().build(fields=("density", "velocity_x"), num_axes=(2,))
    LoraConfig(rank=2).prepare(model)
    assert adapters(model)
    model(BATCH).values.square().mean().backward()
    for name, adapter in adapters(model).items():
        assert adapter.up.grad is not None, name
        assert adapter.up.grad.any(), name


def test_merged_weights_predict_the_same_in_a_model_without_adapters(model: Model) -> None:
    plain = copy.deepcopy(model)
    mode = LoraConfig(rank=3, alpha=5.0, targets=("attention", "head"), whole=("fields",))
    before = model(BATCH).values
    trained(model, mode)
    weights = mode.merged(model)
    assert weights.keys() == plain.state_dict().keys()
    plain.load_state_dict(weights)
    torch.testing.assert_close(plain(BATCH).values, model(BATCH).values, rtol=1e-5, atol=1e-6)
    assert not torch.allclose(model(BATCH).values, before, rtol=1e-2)
    layer = model.get_submodule("processor.blocks.0.stages.0.qkv")
    gained = layer.lora.up @ layer.lora.down * 5.0 / 3
    torch.testing.assert_close(
        weights["processor.blocks.0.stages.0.qkv.weight"], layer.weight + gained
    )


@pytest.mark.parametrize(
    ("variant", "targets", "sizes"),
    [
        # Kernels of 3×3 points on 8 channels; 6·3 waves, each with 8·2·8 numbers.
        ("pyramid", ("*.down.enter.*",), {(8, 72)}),
        ("pyramid", ("*.down.enter.*", "spectral"), {(8, 72), (18, 128)}),
        ("fno", ("spectral",), {(32, 288)}),
    ],
)
def test_kernels_and_spectral_layers_have_products_that_are_added(
    variant: str, targets: tuple[str, ...], sizes: set[tuple[int, int]], tmp_path: Path
) -> None:
    torch.manual_seed(0)
    base = MODELS[variant].tiny().build(fields=("density", "velocity_x"), num_axes=(2,)).eval()
    expected = base(BATCH).values
    mode = LoraConfig(rank=2, targets=targets)
    model = copy.deepcopy(base)
    assert torch.equal(prepared(model, mode)(BATCH).values, expected)
    trains = {name for name, value in model.named_parameters() if value.requires_grad}
    assert {name.rpartition(".")[2] for name in trains} == {"up", "down"}
    after = stepped(model)(BATCH).values
    assert not torch.allclose(after, expected, rtol=1e-3)

    factors = mode.factors(model)
    assert {(len(up), down.shape[1]) for up, down in factors.values()} == sizes
    folders = [tmp_path / name / "model" for name in ("base", "tuned")]
    for folder in folders:
        folder.mkdir(parents=True)
    save_model(base, folders[0])
    apart = AdapterBase.of(folders[0], runs=tmp_path)
    save_model(base, folders[1], weights=mode.merged(model), base=apart, factors=factors)
    saved = load_file(folders[1] / "adapter.safetensors")
    assert {name.rpartition(":")[2] for name in saved} == {"up", "down"}
    torch.testing.assert_close(
        load_model(folders[1]).eval()(BATCH).values, after, rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize(
    ("targets", "expected"),
    [
        (("qkv",), 2),
        (("*.blocks.0.*",), 4),
        (("stem",), 4),
        (("qkv", "heads"), 6),
    ],
)
def test_targets_are_parts_words_or_patterns(
    model: Model, targets: tuple[str, ...], expected: int
) -> None:
    LoraConfig(targets=targets).prepare(model)
    assert len(adapters(model)) == expected


def test_a_target_that_names_nothing_is_refused_with_what_there_is(model: Model) -> None:
    with pytest.raises(ConfigError, match="'query'") as caught:
        LoraConfig(targets=("attention", "query")).prepare(model)
    assert "qkv" in caught.value.remedy
    assert not adapters(model)


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_pointwise_convolutions_have_adapters_as_well(axes: int) -> None:
    kind = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[axes - 1]
    layer = kind(3, 5, 1)
    adapter = LowRank(layer, rank=2, scale=0.5)
    nn.init.normal_(adapter.up)
    x = torch.randn(2, 3, *(4, 5, 6)[:axes])
    expected = layer(x) + adapter(x)
    layer.weight.data += adapter.update()
    torch.testing.assert_close(layer(x), expected)


# Tracing looks at gradients of inputs.
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor:UserWarning")
def test_compiled_blocks_have_their_adapters(model: Model, request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--jaxtyping-packages", None):
        pytest.skip("what checks shapes cannot be traced")
    torch._dynamo.reset()
    trained(model, LoraConfig(rank=2))
    expected = model(BATCH).values
    compile_parts(model, backend="eager")
    assert torch.equal(model(BATCH).values, expected)
    torch._dynamo.reset()
