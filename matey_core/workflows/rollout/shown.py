"""Reads one trajectory's prediction and truth at a few leads."""

from pathlib import Path

import numpy as np
import zarr

from matey_core.reports.axes import axes_of, upright
from matey_core.reports.shown import Shown
from matey_core.store import Store
from matey_core.workflows.rollout.origin import continued

NUM_SHOWN = 4


def shown_leads(steps: int, known: int) -> tuple[int, ...]:
    """Spread a few leads over a rollout: the first and the last, and the last with a truth.

    Args:
        steps: predicted frames.
        known: how many of them have a truth, at most `steps`.
    """
    if 0 < known < steps:
        found = {1, (1 + known) // 2, known, steps}
    else:
        found = set(np.linspace(1, steps, NUM_SHOWN).round().astype(int).tolist())
    return tuple(sorted(found))


def shown_of(
    store: Store,
    states: Path,
    *,
    sample: int,
    first: int,
    steps: int,
    field: str | None,
    leads: tuple[int, ...] | None = None,
) -> Shown:
    """Read what a picture of a rollout shows; volumes are cut at mid-depth.

    Args:
        store: the truth.
        states: Zarr store of the predicted states, whose first sample is shown.
        sample: index of that trajectory in `store`.
        first: stored frame of the first prediction.
        steps: predicted frames.
        field: name; None for the store's first one.
        leads: frames that are shown; None for a few.

    Raises:
        DataError: the store is damaged.
    """
    name = field or store.spec.names[0]
    known = min(steps, store.num_frames - first)
    leads = leads or shown_leads(steps, known)
    cut, slice_of = _cut(store.spec.grid.axes, store.spec.grid.shape)
    predicted = zarr.open_group(states, mode="r")[name]
    assert isinstance(predicted, zarr.Array)
    prediction = np.stack([np.asarray(predicted[0, lead - 1])[cut] for lead in leads])
    truth = np.full_like(prediction, np.nan)
    for row, lead in enumerate(leads):
        if lead <= known:
            frame = first + lead - 1
            truth[row] = store.read_field(name, sample, frame, frame + 1)[0][cut]
    unit = next(each.unit for each in store.spec.fields if each.name == name)
    names = store.spec.grid.axes[-(prediction.ndim - 1) :]
    axes = axes_of(names, store.coordinates, store.units)
    axes, (prediction, truth) = upright(axes, prediction, truth)
    times = continued(store.times(sample), first + steps, step=store.spec.time_step)[first:]
    return Shown(
        field=name,
        unit=unit,
        sample=store.sample_names[sample],
        leads=leads,
        times=tuple(float(times[lead - 1]) for lead in leads),
        time_unit=store.units.get("time", ""),
        axes=axes,
        slice_of=slice_of,
        prediction=prediction,
        truth=truth,
        num_known=sum(lead <= known for lead in leads),
    )


def _cut(axes: tuple[str, ...], shape: tuple[int, ...]) -> tuple[int | slice, str]:
    """Where a volume is cut, as an index and in words."""
    if len(shape) < 3:
        return slice(None), ""
    middle = shape[0] // 2
    return middle, f"{axes[0]} at point {middle} of {shape[0]}"
