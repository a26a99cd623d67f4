"""A field that is new to a model begins as a copy of the known field that is most like it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from matey_core.fields import Field, FieldSpec
from matey_core.models import Model
from matey_core.nn.field_table import FieldTable
from matey_core.nn.lead_time import LeadTime
from matey_core.quantities import known_field, names_like

LETTERS = "xyz"
"""Of known components, in the order of the grid's axes."""
FLOW = "velocity"
"""What any other vector borrows from."""


def lenders(model: Model, specs: Iterable[FieldSpec]) -> dict[str, str]:
    """Choose a known field for each new one, where there is one that is like it.

    A scalar takes the same quantity under another name. A temperature may take a tracer, which a
    flow carries as well. A component of a vector takes that of the same vector, or of the
    velocity, along the same axis of the grid. The axis may have any name: kernels know axes by
    their order.

    Args:
        model: not yet extended by the new fields.
        specs: fields and grids of the new data.

    Returns:
        New field → known field; empty for a model without a table of fields.
    """
    if not isinstance(getattr(model, "table", None), FieldTable):
        return {}
    known = [known_field(name) for name in model.fields]
    lent: dict[str, str] = {}
    for spec in specs:
        for field in spec.fields:
            if field.name not in model.fields and (found := next(_like(field, spec, known), None)):
                lent.setdefault(field.name, found.name)
    return lent


def news(model: Model, specs: Sequence[FieldSpec], *, borrows: bool) -> list[str]:
    """Say which fields and time steps are new to a model, and which known ones stand for them."""
    return [*_new_fields(model, specs, borrows=borrows), *_new_steps(model, specs)]


def _new_fields(model: Model, specs: Sequence[FieldSpec], *, borrows: bool) -> list[str]:
    new = dict.fromkeys(name for spec in specs for name in spec.names if name not in model.fields)
    if not new:
        return []
    said = [f"Fields that are new to the model: {', '.join(new)}."]
    if borrows and (lent := lenders(model, specs)):
        pairs = ", ".join(f"{name} as {source}" for name, source in lent.items())
        said.append(f"New fields begin as copies of known ones: {pairs}.")
    return said


def _new_steps(model: Model, specs: Sequence[FieldSpec]) -> list[str]:
    if (within := getattr(model.config, "time_steps", None)) is None:
        return []
    return [
        f"The time step of {spec.dataset} is {spec.time_step:.3g}, which is none that the model "
        f"has seen: it counts as {min(max(spec.time_step, within[0]), within[1]):.3g}."
        for spec in specs
        if not within[0] <= spec.time_step <= within[1]
    ]


def borrow(model: Model, lent: Mapping[str, str]) -> None:
    """Copy what a model knows of fields to those that are like them.

    Args:
        model: extended by the new fields, which have not been trained.
        lent: new field → known field, from `lenders`.
    """
    if lent:
        table = model.table
        assert isinstance(table, FieldTable)
        table.copy_rows(lent)


def keep_time_steps(model: Model, seen: Iterable[float]) -> None:
    """Clamp time steps to the range that a model was trained with.

    What it computes of others is extrapolated, and their unit may be another one. Within the
    range nothing changes.

    Args:
        model: of any kind. One without the setting `time_steps` is left as it is, and so is one
            that has a range.
        seen: time steps that it was trained with.
    """
    found = sorted(seen)
    if found and getattr(model.config, "time_steps", ()) is None:
        within = found[0], found[-1]
        model.config = model.config.model_copy(update={"time_steps": within})
        for part in model.modules():
            if isinstance(part, LeadTime):
                part.within = within


def _like(field: Field, spec: FieldSpec, known: Sequence[Field]) -> Iterator[Field]:
    """Known fields that are like a new one, the best first."""
    if not field.component:
        scalars = {each.name.lower(): each for each in known if not each.component}
        yield from (scalars[name] for name in names_like(field) if name in scalars)
    elif len(field.component) == 1 and field.component[0] in spec.grid.axes:
        letter = LETTERS[spec.grid.axes.index(field.component[0])]
        along = [each for each in known if each.component == (letter,)]
        for quantity in (field.quantity, FLOW):
            yield from (each for each in along if each.quantity == quantity)
