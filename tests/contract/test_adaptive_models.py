"""What every model that cuts cells promises, over schemes, tokenizers and numbers of axes."""

import re
from pathlib import Path

import pytest
import torch

from matey_core.errors import ConfigError, ShapeError
from matey_core.models import MODELS, AdaptiveConfig, AdaptiveModel, load_model, save_model
from matey_core.models.matey import MateyConfig
from matey_core.tokenizers import TOKENIZERS, TokenizerConfig
from tests.formula import batch_of, spec_of

SHAPES = ((32,), (16, 24), (16, 16, 16))
SCHEMES = ("full", "factorized", "axial")
VARIANTS = tuple(name for name in MODELS.names() if issubclass(MODELS[name], AdaptiveConfig))
CASES = [
    (variant, scheme, tokenizer)
    for variant in VARIANTS
    for scheme in SCHEMES
    for tokenizer in TOKENIZERS.names()
    if (scheme, tokenizer) != ("axial", "adap_mix")
]


def settings(variant: str, scheme: str, tokenizer: str) -> AdaptiveConfig:
    config = MODELS[variant].tiny()
    assert isinstance(config, AdaptiveConfig)
    config = config.model_copy(update={"scheme": scheme})
    return config.with_tokenizer(TokenizerConfig(name=tokenizer, patch=(8, 4), gamma=0.3))


def build(
    variant: str, scheme: str, tokenizer: str, *, fields: int = 2, axes: int = 2
) -> AdaptiveModel:
    torch.manual_seed(0)
    names = ("density", "velocity_x", "pressure")[:fields]
    model = settings(variant, scheme, tokenizer).build(fields=names, num_axes=(axes,))
    assert isinstance(model, AdaptiveModel)
    return model


@pytest.mark.parametrize(("variant", "scheme", "tokenizer"), CASES)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_prediction_has_the_shape_of_its_targets_and_is_finite(
    variant: str, scheme: str, tokenizer: str, shape: tuple[int, ...]
) -> None:
    model = build(variant, scheme, tokenizer, axes=len(shape)).eval()
    batch = batch_of(spec_of(shape), leads=2)
    prediction = model(batch)
    assert batch.targets is not None
    assert prediction.values.shape == batch.targets.shape
    assert prediction.values.isfinite().all()
    assert model.count_tokens(batch).shape == (3,)


@pytest.mark.parametrize(("variant", "scheme", "tokenizer"), CASES)
def test_every_parameter_gets_a_gradient(variant: str, scheme: str, tokenizer: str) -> None:
    model = build(variant, scheme, tokenizer)
    if variant == "paper":  # published layer scales of 1e-6 leave gradients below float32
        for name, weight in model.named_parameters():
            if "gamma" in name:
                weight.data.fill_(0.5)
    batch = batch_of(spec_of((16, 24)))
    (model(batch).values - batch.targets).square().mean().backward()
    silent = [
        name
        for name, weight in model.named_parameters()
        if weight.grad is None or not weight.grad.any()
    ]
    assert silent == (_idle_norms(model, scheme, tokenizer) if variant == "paper" else [])


def _idle_norms(model: AdaptiveModel, scheme: str, tokenizer: str) -> list[str]:
    """Published blocks have two norms for each place: with a mask for mixed cells, and without."""
    part = {"full": "spatialtemporal", "factorized": "spatial"}.get(scheme)
    idle = "" if tokenizer == "adap_mix" else "_mask"
    pattern = re.compile(rf"blocks\.\d\.{part}\.(norm1|norm2|mlp_norm){idle}\.\w+")
    return [name for name, _ in model.named_parameters() if pattern.fullmatch(name)]


@pytest.mark.parametrize(("variant", "scheme", "tokenizer"), CASES)
def test_bfloat16_changes_little_and_answers_in_float32(
    variant: str, scheme: str, tokenizer: str
) -> None:
    model = build(variant, scheme, tokenizer).eval()
    batch = batch_of(spec_of((16, 24)))
    exact = model(batch).values
    with torch.autocast("cpu", torch.bfloat16):
        rough = model(batch).values
    assert rough.dtype == torch.float32
    # Published temporal norms over few frames amplify rounding (spec, D7).
    allowed = 0.3 if (variant, scheme) == ("paper", "factorized") else 0.03
    assert (rough - exact).norm() < allowed * exact.norm()
    (rough - batch.targets).square().mean().backward()


@pytest.mark.parametrize("position", ["none", "boundary", "fourier"])
@pytest.mark.parametrize("variant", VARIANTS)
def test_what_was_used_for_inference_can_be_trained(variant: str, position: str) -> None:
    if (variant, position) == ("paper", "boundary"):
        pytest.skip("was not published")
    config = settings(variant, "full", "adap_mix").model_copy(update={"position": position})
    batch = batch_of(spec_of((24, 40)))
    model = config.build(fields=batch.spec.names, num_axes=(2,))
    with torch.inference_mode():
        model(batch)
    model(batch).values.square().mean().backward()
    assert any(weight.grad is not None and weight.grad.any() for weight in model.parameters())


@pytest.mark.parametrize(("variant", "scheme", "tokenizer"), CASES)
def test_new_fields_and_axes_leave_old_weights_and_predictions_alone(
    variant: str, scheme: str, tokenizer: str
) -> None:
    model = build(variant, scheme, tokenizer).eval()
    batch = batch_of(spec_of((16, 24)))
    before = {name: value.clone() for name, value in model.named_parameters()}
    expected = model(batch).values
    model.extend(fields=("pressure", "density"), num_axes=(1, 2))
    assert model.fields == ("density", "velocity_x", "pressure")
    assert model.num_axes == (1, 2)
    torch.testing.assert_close(model(batch).values, expected, rtol=1e-5, atol=1e-5)
    for name, value in model.named_parameters():
        if name in before and value.shape == before[name].shape and "table" not in name:
            assert torch.equal(value, before[name]) or variant == "paper", name
    for shape, fields in (((32,), 3), ((16, 16), 3)):
        assert model(batch_of(spec_of(shape, fields=fields))).values.isfinite().all()


@pytest.mark.parametrize(("variant", "scheme", "tokenizer"), CASES)
def test_a_saved_model_comes_back_the_same(
    variant: str, scheme: str, tokenizer: str, tmp_path: Path
) -> None:
    model = build(variant, scheme, tokenizer).eval()
    model.extend(fields=("pressure",), num_axes=())
    save_model(model, tmp_path)
    loaded = load_model(tmp_path).eval()
    batch = batch_of(spec_of((16, 24), fields=3))
    assert loaded.config == model.config
    assert torch.equal(loaded(batch).values, model(batch).values)


@pytest.mark.parametrize("variant", VARIANTS)
def test_settings_are_those_of_another_tokenizer_and_come_back(variant: str) -> None:
    config = settings(variant, "full", "adap_mix")
    uniform = TokenizerConfig(name="uniform", patch=(8,))
    assert config.with_tokenizer(uniform).tokenization.levels == (8,)
    assert config.with_tokenizer(config.tokenization) == config


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_grid_smaller_than_a_patch_is_refused(variant: str) -> None:
    model = build(variant, "full", "adap_mix")
    with pytest.raises(ShapeError, match=r"patch(es)? of 8 points"):
        model(batch_of(spec_of((6, 24))))


@pytest.mark.parametrize("variant", VARIANTS)
def test_axial_attention_and_mixed_cells_are_refused(variant: str) -> None:
    with pytest.raises(ConfigError, match="adap_mix"):
        build(variant, "axial", "adap_mix")


def test_published_widths() -> None:
    expected = {"ti": (192, 12, 3), "s": (384, 12, 6), "b": (768, 12, 12), "l": (1024, 24, 16)}
    for preset, sizes in expected.items():
        assert MateyConfig(preset=preset).sizes == sizes  # type: ignore[arg-type]
