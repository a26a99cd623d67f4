"""What holds for whatever training minimizes."""

import pytest
import torch
from jaxtyping import Float
from torch import Tensor

from matey_core.batches import FieldBatch, Prediction
from matey_core.fields import Field, FieldSpec, Grid
from matey_core.losses import LOSSES

SPEC = FieldSpec(
    fields=(Field(name="u"), Field(name="v")),
    grid=Grid(axes=("y", "x"), shape=(6, 5), spacing=(1.0, 1.0), boundary=("periodic", "outflow")),
    time_step=1.0,
)
LEADS = torch.tensor([[1, 2], [2, 3], [1, 1], [3, 1]])


VALID = torch.rand(4, 2, 2, 6, 5, generator=torch.Generator().manual_seed(4)) > 0.4


def values(seed: int) -> Float[Tensor, "b l c y x"]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(4, 2, 2, 6, 5, generator=generator)


def case(
    prediction: Tensor, targets: Tensor, valid: Tensor | None = None
) -> tuple[Prediction, FieldBatch]:
    batch = FieldBatch(
        spec=SPEC,
        history=values(7)[: len(targets), :, : targets.shape[2]],
        lead_steps=LEADS,
        targets=targets,
        valid=valid,
    )
    return Prediction(spec=SPEC, values=prediction, lead_steps=LEADS), batch


@pytest.mark.parametrize("name", LOSSES.names())
def test_an_exact_prediction_costs_nothing_and_has_a_finite_slope(name: str) -> None:
    prediction = values(1).requires_grad_()
    loss = LOSSES[name]().build()(*case(prediction, values(1)))
    loss.total.backward()
    assert loss.total == 0
    assert prediction.grad is not None
    assert prediction.grad.abs().max() == 0


@pytest.mark.parametrize("valid", [None, VALID])
@pytest.mark.parametrize("name", LOSSES.names())
def test_a_batch_costs_the_mean_of_its_halves(name: str, valid: Tensor | None) -> None:
    prediction, batch = case(values(1), values(2), valid)
    whole = LOSSES[name]().build()(prediction, batch).total
    halves = [
        LOSSES[name]()
        .build()(
            Prediction(spec=SPEC, values=prediction.values[part], lead_steps=LEADS[part]),
            batch.select(part),
        )
        .total
        for part in (slice(0, 2), slice(2, 4))
    ]
    torch.testing.assert_close(whole, sum(halves) / 2)


@pytest.mark.parametrize("name", LOSSES.names())
def test_gradients_are_those_of_finite_differences(name: str) -> None:
    targets = values(2).double()

    def loss(prediction: Tensor) -> Tensor:
        return LOSSES[name]().build()(*case(prediction, targets)).total

    assert torch.autograd.gradcheck(loss, values(1).double().requires_grad_())


@pytest.mark.parametrize("name", LOSSES.names())
def test_masked_cells_count_for_nothing_and_have_no_slope(name: str) -> None:
    def loss(other: float) -> tuple[Tensor, Tensor]:
        prediction = values(1).masked_fill(~VALID, other).requires_grad_()
        total = LOSSES[name]().build()(*case(prediction, values(2), VALID)).total
        total.backward()
        assert prediction.grad is not None
        return total, prediction.grad

    total, slope = loss(0.0)
    assert total > 0
    assert (slope[~VALID] == 0).all()
    assert (slope[VALID] != 0).all()
    for other in (1e9, float("inf"), float("nan")):
        again, same = loss(other)
        assert again == total
        assert torch.equal(same, slope)
    masked = values(2).masked_fill(~VALID, 1e9)
    assert LOSSES[name]().build()(*case(values(1), masked, VALID)).total == total


@pytest.mark.parametrize("name", LOSSES.names())
def test_a_field_of_which_nothing_is_known_is_left_out(name: str) -> None:
    valid = torch.ones_like(VALID)
    valid[:, :, 1] = False
    loss = LOSSES[name]().build()(*case(values(1), values(2), valid))
    alone = LOSSES[name]().build()(*case(values(1)[:, :, :1], values(2)[:, :, :1]))
    torch.testing.assert_close(loss.total, alone.total)
    for key, part in alone.parts.items():
        torch.testing.assert_close(loss.parts[key], part)


@pytest.mark.parametrize("name", LOSSES.names())
def test_a_batch_of_which_nothing_is_known_costs_nothing(name: str) -> None:
    prediction = values(1).requires_grad_()
    loss = LOSSES[name]().build()(*case(prediction, values(2), torch.zeros_like(VALID)))
    loss.total.backward()
    assert loss.total == 0
    assert prediction.grad is not None
    assert prediction.grad.abs().max() == 0
    assert all(part == 0 for part in loss.parts.values())


@pytest.mark.parametrize("name", LOSSES.names())
def test_a_mask_without_gaps_changes_nothing(name: str) -> None:
    plain = LOSSES[name]().build()(*case(values(1), values(2))).total
    masked = LOSSES[name]().build()(*case(values(1), values(2), torch.ones_like(VALID))).total
    torch.testing.assert_close(masked, plain, rtol=1e-6, atol=0)


@pytest.mark.parametrize("unit", [1e-9, 1e6])
def test_nrmse_does_not_depend_on_units(unit: float) -> None:
    prediction, batch = case(values(1), values(2))
    loss = LOSSES["nrmse"]().build()(prediction, batch).total
    scaled = FieldBatch(
        spec=SPEC,
        history=batch.history * unit,
        lead_steps=LEADS,
        targets=values(2) * unit,
    )
    prediction = Prediction(spec=SPEC, values=values(1) * unit, lead_steps=LEADS)
    torch.testing.assert_close(LOSSES["nrmse"]().build()(prediction, scaled).total, loss)


def test_nrmse_compares_a_vanished_target_with_a_hundredth_of_its_history() -> None:
    history = torch.full((4, 1, 2, 6, 5), 3.0)
    batch = FieldBatch(
        spec=SPEC, history=history, lead_steps=LEADS, targets=torch.zeros(4, 2, 2, 6, 5)
    )
    prediction = Prediction(spec=SPEC, values=torch.full((4, 2, 2, 6, 5), 0.06), lead_steps=LEADS)
    assert float(LOSSES["nrmse"]().build()(prediction, batch).total) == pytest.approx(2.0, rel=1e-5)


def test_nrmse_passes_over_a_field_that_is_zero_throughout() -> None:
    zero = torch.zeros(4, 2, 2, 6, 5)
    batch = FieldBatch(spec=SPEC, history=zero, lead_steps=LEADS, targets=zero)
    guess = torch.ones(4, 2, 2, 6, 5, requires_grad=True)
    loss = (
        LOSSES["nrmse"]()
        .build()(Prediction(spec=SPEC, values=guess, lead_steps=LEADS), batch)
        .total
    )
    loss.backward()
    assert loss == 0
    assert guess.grad is not None
    assert guess.grad.abs().max() == 0
