"""What every model promises of what it is given beside its history."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from matey_core.batches import FieldBatch
from matey_core.errors import CheckpointError, ConfigError
from matey_core.fields import GivenRole, GivenScale
from matey_core.models import MODELS, Model, given_names, load_model, save_model
from tests.formula import batch_of, spec_of

NAMES = [name for name in MODELS.names() if name != "paper"]
SCALES = {
    "force": GivenScale(center=1.0, spread=2.0),
    "viscosity": GivenScale(center=-3.0, is_log=True, is_required=False),
}


def build(variant: str) -> Model:
    torch.manual_seed(0)
    return MODELS[variant].tiny().build(fields=("density", "velocity_x"), num_axes=(2,)).eval()


def batch_with(**given: Tensor) -> FieldBatch:
    return replace(batch_of(spec_of((16, 24)), leads=2), given=given)


def full_batch() -> FieldBatch:
    generator = torch.Generator().manual_seed(1)
    return batch_with(
        force=torch.randn(3, 16, 24, generator=generator), viscosity=torch.tensor([0.1, 0.2, 0.4])
    )


def trained(model: Model) -> Model:
    """Weights as if they had been trained."""
    model.give(SCALES)
    assert model.given is not None
    torch.nn.init.normal_(model.given.rows)
    return model


@pytest.mark.parametrize("variant", NAMES)
def test_what_is_newly_given_leaves_predictions_alone_and_learns(variant: str) -> None:
    model = build(variant)
    expected = model(full_batch()).values
    before = dict(model.named_parameters())
    model.give(SCALES)
    assert torch.equal(model(full_batch()).values, expected)
    model(full_batch()).values.square().mean().backward()
    (new,) = dict(model.named_parameters()).keys() - before.keys()
    rows = model.get_parameter(new)
    assert rows.grad is not None
    assert (rows.grad.flatten(1) != 0).any(1).all()
    assert model.part_of(new) == "fields"


@pytest.mark.parametrize("variant", NAMES)
def test_given_quantities_matter_and_absent_ones_do_not(variant: str) -> None:
    plain = build(variant)(full_batch()).values
    model = trained(build(variant))
    batch = full_batch()
    answer = model(batch).values
    assert (answer - plain).abs().amax((1, 2, 3, 4)).min() > 1e-3
    assert torch.equal(
        model(replace(batch, given={**batch.given, "other": torch.ones(3)})).values, answer
    )
    unsaid = replace(batch, given={**batch.given, "viscosity": torch.full((3,), torch.nan)})
    without = replace(batch, given={"force": batch.given["force"]})
    torch.testing.assert_close(model(unsaid).values, model(without).values)
    assert not torch.allclose(model(without).values, answer)


@pytest.mark.parametrize("variant", NAMES)
def test_a_sample_with_given_quantities_is_the_sample_in_its_batch(variant: str) -> None:
    model, batch = trained(build(variant)), full_batch()
    together = model(batch).values
    alone = model(batch.select(slice(1, 2))).values
    torch.testing.assert_close(alone[0], together[1], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("variant", NAMES)
def test_a_saved_model_knows_what_it_is_given(variant: str, tmp_path: Path) -> None:
    model = trained(build(variant))
    save_model(model, tmp_path)
    loaded = load_model(tmp_path).eval()
    assert loaded.given_scales == SCALES
    assert given_names(tmp_path) == ("force", "viscosity")
    assert torch.equal(loaded(full_batch()).values, model(full_batch()).values)


def test_size_tells_a_model_what_normalization_hides() -> None:
    model, batch = build("fno"), full_batch()
    larger = replace(batch, history=8 * batch.history)
    torch.testing.assert_close(model(larger).values, 8 * model(batch).values)
    model.give({"size:velocity_x": GivenScale(is_required=False)})
    assert model.given is not None
    torch.nn.init.normal_(model.given.rows)
    assert not torch.allclose(model(larger).values, 8 * model(batch).values)


def test_a_model_refuses_a_batch_without_what_it_needs() -> None:
    model = trained(build("fno"))
    with pytest.raises(ConfigError, match="trained with force given"):
        model(batch_with(viscosity=torch.ones(3)))
    model.give({"force": GivenScale(center=5.0, is_required=False)})
    assert model.given_scales["force"] == replace(SCALES["force"], is_required=False)
    assert model(batch_with()).values.isfinite().all()


def test_the_paper_variant_takes_its_history_alone() -> None:
    model = build("paper")
    model.give({})
    with pytest.raises(ConfigError, match="history alone"):
        model.give(SCALES)


@pytest.mark.parametrize(
    "scale", ['{"center": 0.0}', "3", '{"center": 0.0, "spread": 0.0}', '{"spread": "1"}']
)
def test_damaged_scales_are_refused(scale: str, tmp_path: Path) -> None:
    save_model(trained(build("fno")), tmp_path)
    path = tmp_path / "model.json"
    start, _, end = path.read_text().partition('"given": {')
    path.write_text(f'{start}"given": {{"force": {scale}, "viscosity": {{}}}}}}\n')
    assert end
    if scale == '{"center": 0.0}':  # the rest has defaults
        assert load_model(tmp_path).given_scales["force"] == GivenScale()
        return
    with pytest.raises(CheckpointError, match="given should be scales by name"):
        load_model(tmp_path)


def steady(variant: str, role: GivenRole) -> Model:
    """A model with a source that solutions are proportional to."""
    model = build(variant)
    model.give({"source": GivenScale(role=role), "diffusion": GivenScale()})
    assert model.given is not None
    torch.nn.init.normal_(model.given.rows)
    return model


def steady_batch(*, source: float = 1.0, diffusion: float = 1.0) -> FieldBatch:
    batch = full_batch()
    return replace(
        batch,
        history=torch.zeros_like(batch.history[:, :1]),
        given={
            "source": source * batch.given["force"],
            "diffusion": diffusion * batch.given["viscosity"],
        },
    )


@pytest.mark.parametrize("variant", NAMES)
def test_solutions_are_proportional_to_a_linear_source(variant: str) -> None:
    model = steady(variant, "linear")
    expected = model(steady_batch()).values
    found = model(steady_batch(source=10.0)).values
    torch.testing.assert_close(found, 10 * expected, rtol=1e-4, atol=1e-3)
    alone = model(steady_batch().select(slice(1, 2))).values
    torch.testing.assert_close(alone[0], expected[1], rtol=1e-4, atol=1e-4)


def test_a_joint_source_makes_solutions_those_of_the_ratio() -> None:
    model = steady("fno", "joint")
    expected = model(steady_batch()).values
    for factor in (0.1, 10.0):
        found = model(steady_batch(source=factor, diffusion=factor)).values
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    assert not torch.allclose(model(steady_batch(source=10.0)).values, expected)


def test_a_source_of_zero_has_a_finite_answer() -> None:
    assert steady("fno", "linear")(steady_batch(source=0.0)).values.isfinite().all()
