"""A new field begins as a copy of the known field that is most like it."""

from dataclasses import replace

import pytest
import torch

from matey_core.fields import FieldSpec, Grid
from matey_core.finetuning import borrow, keep_time_steps, lenders, news
from matey_core.models import ModelConfig
from matey_core.models.paper import PaperConfig
from matey_core.models.pyramid import PyramidConfig
from matey_core.quantities import known_fields

KNOWN = ("density", "velocity_x", "velocity_y", "pressure", "tracer")


def spec_of(*names: str, axes: tuple[str, ...] = ("x", "y")) -> FieldSpec:
    count = len(axes)
    grid = Grid(
        axes=axes, shape=(8,) * count, spacing=(1.0,) * count, boundary=("periodic",) * count
    )
    return FieldSpec(fields=known_fields(names), grid=grid, time_step=1.0)


@pytest.mark.parametrize(
    ("names", "axes", "lent"),
    [
        (
            ("dens", "theta", "uwnd", "wwnd"),
            ("z", "x"),
            {"dens": "density", "theta": "tracer", "uwnd": "velocity_y", "wwnd": "velocity_x"},
        ),
        (
            ("velocity_x", "magnetic_field_x", "magnetic_field_y"),
            ("x", "y"),
            {"magnetic_field_x": "velocity_x", "magnetic_field_y": "velocity_y"},
        ),
        (("activator", "rho", "p"), ("x", "y"), {"rho": "density", "p": "pressure"}),
        (("stress_xx", "velocity_z"), ("x", "y", "z"), {}),
    ],
    ids=["thermals", "magnetic", "scalars", "nothing alike"],
)
def test_a_field_borrows_from_what_is_like_it(
    names: tuple[str, ...], axes: tuple[str, ...], lent: dict[str, str]
) -> None:
    model = PyramidConfig.tiny().build(fields=KNOWN, num_axes=(2,))
    spec = spec_of(*names, axes=axes)
    assert lenders(model, [spec]) == lent
    said = news(model, [spec], borrows=True)
    assert len(said) == 1 + bool(lent)
    assert all(f"{name} as {source}" in said[-1] for name, source in lent.items())
    assert len(news(model, [spec], borrows=False)) == 1


def test_borrowed_rows_are_copies_and_old_rows_stay() -> None:
    model = PyramidConfig.tiny().build(fields=KNOWN, num_axes=(2,))
    before = model.table.enter.detach().clone()
    spec = spec_of("theta", "activator")
    lent = lenders(model, [spec])
    model.extend(fields=spec.names, num_axes=(2,))
    borrow(model, lent)
    rows = model.table.rows((*KNOWN, "theta", "activator"))
    for values in (model.table.enter, model.table.leave, model.table.bias):
        assert torch.equal(values[rows[5]], values[rows[4]])
    assert torch.equal(model.table.enter[rows[:5]], before)
    assert not torch.equal(model.table.enter[rows[6]], model.table.enter[rows[4]])


def test_time_steps_beyond_those_seen_count_as_the_nearest() -> None:
    model = PyramidConfig.tiny().build(fields=("u",), num_axes=(2,)).eval()
    leads = torch.tensor([1, 4])
    before = {step: model.lead_time(leads, step) for step in (0.005, 0.02, 0.05, 20.8)}
    keep_time_steps(model, [0.05, 0.005])
    keep_time_steps(model, [20.8])
    assert "is 1, which is none" in news(model, [spec_of("u")], borrows=True)[0]
    assert news(model, [replace(spec_of("u"), time_step=0.05)], borrows=True) == []
    assert model.config.time_steps == (0.005, 0.05)
    for step, nearest in ((0.005, 0.005), (0.02, 0.02), (0.05, 0.05), (20.8, 0.05), (1e-9, 0.005)):
        assert torch.equal(model.lead_time(leads, step), before[nearest])
    assert not torch.equal(before[20.8], before[0.05])
    again = model.config.build(fields=("u",), num_axes=(2,))
    assert again.lead_time.within == (0.005, 0.05)


def test_a_model_without_a_table_of_fields_borrows_nothing() -> None:
    config: ModelConfig = PaperConfig.tiny()
    model = config.build(fields=KNOWN, num_axes=(2,))
    assert lenders(model, [spec_of("rho")]) == {}
