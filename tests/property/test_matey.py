"""What must hold for the matey variant in 1D, 2D and 3D."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from matey_core.batches import FieldBatch
from matey_core.fields import Boundary
from matey_core.models import Model
from matey_core.tokenizers import TokenizerConfig
from tests.formula import batch_of, spec_of, tiny_model

SHAPES = ((40,), (24, 20), (8, 16, 12))
CASES = [
    (scheme, name)
    for scheme in ("full", "factorized", "axial")
    for name in ("uniform", "adap_mix", "adap_mul")
    if (scheme, name) != ("axial", "adap_mix")
]
MODELS = {case: tiny_model(scheme=case[0], name=case[1]) for case in CASES}


def refined(scheme: str) -> tuple[Model, Model]:
    """A model that refines everything, and a uniform fine one with the same weights."""
    mixed = tiny_model(scheme=scheme, ratio=1.0, gamma=None)
    uniform = tiny_model(scheme=scheme, name="uniform")
    weights = uniform.state_dict().keys()
    uniform.load_state_dict({name: mixed.state_dict()[name] for name in weights})
    return mixed, uniform


REFINED = {scheme: refined(scheme) for scheme in ("full", "factorized")}


@torch.no_grad()
def increments(model: Model, batch: FieldBatch) -> torch.Tensor:
    """What the model adds to the last frame, so that nothing hides behind the skip."""
    return model(batch).values - batch.history[:, -1:]


batches = st.builds(
    lambda shape, boundary, seed: batch_of(spec_of(shape, boundary=boundary), seed=seed),
    shape=st.sampled_from(SHAPES),
    boundary=st.sampled_from(("periodic", "no_flux")),
    seed=st.integers(0, 2**16),
)
cases = st.sampled_from(CASES)


@given(scheme=st.sampled_from(("full", "factorized")), batch=batches)
def test_with_everything_refined_adap_mix_is_uniform_and_fine(
    scheme: str, batch: FieldBatch
) -> None:
    mixed, uniform = REFINED[scheme]
    expected = increments(uniform, batch)
    assert expected.abs().max() > 0.05
    torch.testing.assert_close(increments(mixed, batch), expected, rtol=0, atol=1e-5)


@given(case=cases, batch=batches, order=st.permutations(range(3)))
def test_permuting_the_batch_permutes_the_output(
    case: tuple[str, str], batch: FieldBatch, order: list[int]
) -> None:
    model = MODELS[case]
    expected = increments(model, batch)[order]
    actual = increments(model, batch.select(torch.tensor(order)))
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-5)


@given(case=cases, batch=batches, sample=st.integers(0, 2))
def test_a_sample_alone_is_the_same_as_in_a_batch(
    case: tuple[str, str], batch: FieldBatch, sample: int
) -> None:
    model = MODELS[case]
    expected = increments(model, batch)[sample : sample + 1]
    actual = increments(model, batch.select(slice(sample, sample + 1)))
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-5)


@given(case=cases, batch=batches, factor=st.sampled_from((1e-6, 3.0, 1e8)))
def test_units_scale_the_prediction(
    case: tuple[str, str], batch: FieldBatch, factor: float
) -> None:
    model = MODELS[case]
    scale = torch.tensor([factor, 1.0]).reshape(2, *(1,) * batch.spec.grid.num_axes)
    scaled = FieldBatch(spec=batch.spec, history=batch.history * scale, lead_steps=batch.lead_steps)
    actual = increments(model, scaled) / scale
    torch.testing.assert_close(actual, increments(model, batch), rtol=0, atol=2e-3)


@pytest.mark.parametrize("boundary", ["periodic", "no_flux"])
@pytest.mark.parametrize("case", CASES)
def test_moving_a_periodic_field_by_whole_patches_needs_no_position(
    case: tuple[str, str], boundary: Boundary
) -> None:
    """Without positions a periodic shift commutes with the model."""
    model = tiny_model(scheme=case[0], name=case[1], gamma=0.3)
    model.processor.positions = None
    batch = batch_of(spec_of((24, 16), boundary=boundary))
    moved = FieldBatch(
        spec=batch.spec,
        history=batch.history.roll((8, 8), dims=(-2, -1)),
        lead_steps=batch.lead_steps,
    )
    expected = increments(model, batch).roll((8, 8), dims=(-2, -1))
    torch.testing.assert_close(increments(model, moved), expected, rtol=0, atol=1e-4)


def test_more_than_one_lead_is_each_lead_on_its_own() -> None:
    model = MODELS["full", "adap_mix"]
    batch = batch_of(spec_of((24, 16)), leads=2)
    together = increments(model, batch)
    for lead in range(2):
        alone = FieldBatch(
            spec=batch.spec, history=batch.history, lead_steps=batch.lead_steps[:, lead : lead + 1]
        )
        torch.testing.assert_close(
            increments(model, alone), together[:, lead : lead + 1], rtol=0, atol=1e-5
        )


def test_lead_time_reaches_the_output_at_initialization() -> None:
    torch.manual_seed(0)
    config = tiny_model().config.model_copy(
        update={
            "tokenizer": TokenizerConfig(name="uniform", patch=(4,)),
            "increment": False,
            "innovation": False,
            "trend": False,
        }
    )
    model = config.build(fields=("density", "velocity_x"), num_axes=(2,)).eval()
    batch = batch_of(spec_of((16, 16)))
    near, far = (
        FieldBatch(spec=batch.spec, history=batch.history, lead_steps=torch.full((3, 1), lead))
        for lead in (1, 10)
    )
    with torch.no_grad():
        change = (model(near).values - model(far).values).std()
        size = model(near).values.std()
    assert change > 1e-3 * size
