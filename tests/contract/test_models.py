"""What every model promises."""

from pathlib import Path

import pytest
import torch

from matey_core.config import validate
from matey_core.errors import CheckpointError, ConfigError
from matey_core.models import (
    MODELS,
    AdaptiveConfig,
    Model,
    ModelConfig,
    load_model,
    save_model,
)
from tests.formula import batch_of, spec_of

SHAPES = ((32,), (16, 24), (16, 16, 16))
NAMES = MODELS.names()
PLAIN = [name for name in NAMES if not issubclass(MODELS[name], AdaptiveConfig)]
"""The others have more cases, in `test_adaptive_models.py`."""


def build(variant: str, *, fields: int = 2, axes: int = 2) -> Model:
    torch.manual_seed(0)
    names = ("density", "velocity_x", "pressure")[:fields]
    return MODELS[variant].tiny().build(fields=names, num_axes=(axes,))


@pytest.mark.parametrize("variant", NAMES)
def test_settings_come_back_from_their_own_section(variant: str) -> None:
    config = MODELS[variant].tiny()
    section = config.model_dump(mode="json", exclude_none=True)
    assert section["variant"] == variant
    assert validate(ModelConfig, section, source="") == config


@pytest.mark.parametrize("variant", NAMES)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_prediction_has_the_shape_of_its_targets_and_is_finite(
    variant: str, shape: tuple[int, ...]
) -> None:
    model = build(variant, axes=len(shape)).eval()
    batch = batch_of(spec_of(shape), leads=2)
    prediction = model(batch)
    assert batch.targets is not None
    assert prediction.values.shape == batch.targets.shape
    assert prediction.values.dtype == torch.float32
    assert prediction.values.isfinite().all()


@pytest.mark.parametrize("variant", NAMES)
def test_the_lead_time_matters(variant: str) -> None:
    model = build(variant).eval()
    batch = batch_of(spec_of((16, 24)), leads=2)
    near, far = model(batch).values.unbind(1)
    assert not torch.allclose(near, far)


@pytest.mark.parametrize("variant", NAMES)
def test_a_sample_does_not_depend_on_where_it_stands_in_its_batch(variant: str) -> None:
    model = build(variant).eval()
    batch = batch_of(spec_of((16, 24)))
    turned = type(batch)(
        spec=batch.spec, history=batch.history.flip(0), lead_steps=batch.lead_steps.flip(0)
    )
    torch.testing.assert_close(
        model(turned).values.flip(0), model(batch).values, rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize("variant", NAMES)
def test_what_was_used_for_inference_can_be_trained(variant: str) -> None:
    model = build(variant)
    batch = batch_of(spec_of((24, 40)))
    with torch.inference_mode():
        model(batch)
    model(batch).values.square().mean().backward()
    assert any(weight.grad is not None and weight.grad.any() for weight in model.parameters())


@pytest.mark.parametrize("variant", PLAIN)
@pytest.mark.parametrize("shape", SHAPES)
def test_every_parameter_gets_a_gradient(variant: str, shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    model, batch = build(variant, axes=len(shape)), batch_of(spec_of(shape))
    (model(batch).values - batch.targets).square().mean().backward()
    assert not [
        name
        for name, weight in model.named_parameters()
        if weight.grad is None or not weight.grad.any()
    ]


@pytest.mark.parametrize("variant", NAMES)
def test_the_order_of_fields_does_not_matter(variant: str) -> None:
    model = build(variant).eval()
    batch = batch_of(spec_of((16, 24)))
    spec = batch.spec
    swapped_spec = type(spec)(
        fields=spec.fields[::-1], grid=spec.grid, time_step=spec.time_step, dataset=spec.dataset
    )
    swapped = type(batch)(
        spec=swapped_spec, history=batch.history.flip(2), lead_steps=batch.lead_steps
    )
    torch.testing.assert_close(
        model(swapped).values.flip(2), model(batch).values, rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize("variant", PLAIN)
def test_the_unit_of_a_field_does_not_matter(variant: str) -> None:
    model, batch = build(variant).eval(), batch_of(spec_of((16, 24)))
    unit = torch.tensor([1024.0, 0.125]).view(2, 1, 1)
    scaled = type(batch)(spec=batch.spec, history=unit * batch.history, lead_steps=batch.lead_steps)
    torch.testing.assert_close(
        model(scaled).values, unit * model(batch).values, rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize("variant", PLAIN)
def test_a_sample_alone_is_the_sample_in_its_batch(variant: str) -> None:
    model, batch = build(variant).eval(), batch_of(spec_of((16, 24)))
    together = model(batch).values
    for sample in range(batch.size):
        alone = model(batch.select(slice(sample, sample + 1))).values
        torch.testing.assert_close(alone[0], together[sample], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("variant", NAMES)
def test_new_fields_and_axes_leave_old_predictions_alone(variant: str) -> None:
    model = build(variant).eval()
    batch = batch_of(spec_of((16, 24)))
    expected = model(batch).values
    model.extend(fields=("pressure", "density"), num_axes=(1, 2))
    assert model.fields == ("density", "velocity_x", "pressure")
    assert model.num_axes == (1, 2)
    torch.testing.assert_close(model(batch).values, expected, rtol=1e-5, atol=1e-5)
    for shape in ((32,), (16, 16)):
        assert model(batch_of(spec_of(shape, fields=3))).values.isfinite().all()


@pytest.mark.parametrize("variant", NAMES)
def test_a_saved_model_comes_back_the_same(variant: str, tmp_path: Path) -> None:
    model = build(variant).eval()
    model.extend(fields=("pressure",), num_axes=())
    save_model(model, tmp_path)
    loaded = load_model(tmp_path).eval()
    batch = batch_of(spec_of((16, 24), fields=3))
    assert loaded.config == model.config
    assert torch.equal(loaded(batch).values, model(batch).values)


@pytest.mark.parametrize("variant", NAMES)
def test_a_field_or_dimension_it_does_not_know_is_named(variant: str) -> None:
    model = build(variant)
    with pytest.raises(ConfigError, match="pressure"):
        model(batch_of(spec_of((16, 24), fields=3)))
    with pytest.raises(ConfigError, match="1"):
        model(batch_of(spec_of((32,))))


@pytest.mark.parametrize("variant", NAMES)
@pytest.mark.parametrize("part", ["stem", "head", "fields", "attention"])
def test_every_parameter_has_a_part_and_every_part_has_some(variant: str, part: str) -> None:
    model = build(variant)
    parts = [model.part_of(name) for name, _ in model.named_parameters()]
    assert part in parts


@pytest.mark.parametrize("variant", NAMES)
def test_what_may_be_compiled_is_part_of_the_model(variant: str) -> None:
    model = build(variant)
    assert set(model.compiled_parts()) <= set(model.modules())


@pytest.mark.parametrize("variant", NAMES)
def test_computing_blocks_again_changes_nothing(variant: str) -> None:
    model = build(variant).train()
    if not model.can_recompute:
        pytest.skip("keeps all that its backward pass needs")
    batch = batch_of(spec_of((16, 24)))
    found = []
    for model.recompute in (False, True):
        model.zero_grad()
        model(batch).values.square().mean().backward()
        found.append([weight.grad for weight in model.parameters() if weight.grad is not None])
    for once, again in zip(*found, strict=True):
        torch.testing.assert_close(once, again)


def test_differences_between_weights_and_description_are_named(tmp_path: Path) -> None:
    model = build("matey")
    save_model(model, tmp_path)
    description = tmp_path / "model.json"
    text = description.read_text()
    description.write_text(text.replace('"depth": 2', '"depth": 3'))
    with pytest.raises(CheckpointError, match=r"blocks\.2\..* is missing"):
        load_model(tmp_path)
    description.write_text(text.replace('"format": 2', '"format": 9'))
    with pytest.raises(CheckpointError, match="format 9"):
        load_model(tmp_path)
    description.write_text(text)
    (tmp_path / "model.safetensors").write_bytes(b"\x80\x04pickle")
    with pytest.raises(CheckpointError, match="safetensors"):
        load_model(tmp_path)
