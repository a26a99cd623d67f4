"""From a dataset to what a model reads: fields, grid, time step and history, checked."""

import warnings
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from jaxtyping import Float, Shaped

from matey_core.errors import ConfigError, DataError, MateyWarning
from matey_core.fields import BOUNDARIES, Boundary, Field, FieldSpec, Grid
from matey_core.models import Model
from matey_core.runs.folder import StoreRecord

TIME, SAMPLE = "time", "sample"
PARAMETER = "param_"
"""Begins the names of parameters in a store."""
UNEVEN = 1e-2
"""Relative difference between time steps that counts as one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known before the first prediction."""

    spec: FieldSpec
    history: Float[np.ndarray, "b t c *space"]
    times: Shaped[np.ndarray, "time"]
    """Times of all frames; where the dataset has none, as if the first were at 0."""
    has_samples: bool
    """Whether the dataset has the dimension `sample`."""
    given: Mapping[str, Float[np.ndarray, "b *any"]]
    """What the model is given beside the history, as far as the dataset has it."""


def with_start(data: xr.Dataset, *, model: Model, records: Sequence[StoreRecord]) -> xr.Dataset:
    """Add a first frame of zeros to a problem without time, of which only what is given is known.

    Args:
        data: is returned as it is where it has a field in time, or nothing of what is given.
        model: knows what it is given.
        records: what it was trained on.

    Raises:
        ConfigError: it is not clear which fields are asked for.
    """
    fields = [values for name, values in data.data_vars.items() if name in model.given_scales]
    if not fields or any(TIME in values.dims for values in data.data_vars.values()):
        return data
    asked = {record.fields for record in records} or {model.fields}
    if len(asked) > 1:
        raise ConfigError(
            "The dataset has nothing but what the model is given, and the model knows several sets "
            f"of fields: {'; '.join(sorted(map(', '.join, asked)))}.",
            remedy="Hand over the fields that are asked for as zeros, with the dimension time.",
        )
    widest = max(fields, key=lambda values: values.ndim)
    zeros = xr.zeros_like(widest, dtype=np.float32).expand_dims({TIME: 1}).drop_attrs()
    return data.assign(dict.fromkeys(asked.pop(), zeros))


def falling_axes(data: xr.Dataset) -> dict[str, slice]:
    """The index that turns around every axis whose positions fall, as `prepare` did."""
    return {
        str(axis): slice(None, None, -1)
        for axis in data.dims
        if axis not in (SAMPLE, TIME)
        and axis in data.coords
        and data[axis].dtype.kind in "fiu"
        and data.sizes[axis] > 1
        and data[axis].values[0] > data[axis].values[-1]
    }


def known_of(
    data: xr.Dataset,
    *,
    model: Model,
    history: int,
    records: Sequence[StoreRecord],
    boundary: Mapping[str, Boundary],
    datasets: Collection[str] = (),
) -> Known:
    """Take what a model can read out of a dataset.

    Args:
        data: fields with the dimensions `time`, perhaps `sample`, and space.
        model: knows fields and numbers of axes.
        history: frames that it reads.
        records: what it was trained on.
        boundary: axis → rule, above all that is known otherwise.
        datasets: names of those that the model has limits or a blend for.

    Raises:
        ConfigError: no field is known, or dimensions or boundaries are not as they should be.
        DataError: too few frames, or times that are not evenly spaced.
    """
    names = _fields(data, model)
    record = _nearest(records, names, str(data.attrs.get("dataset", "")))
    axes = _axes(data, names, record, model)
    if data.sizes[TIME] < history:
        raise DataError(
            f"The dataset has {data.sizes[TIME]} frames; the model reads a history of {history}.",
            remedy=f"Hand over at least {history} frames.",
        )
    times = data[TIME].values if TIME in data.coords else None
    time_step = _time_step(times, record)
    spec = FieldSpec(
        fields=tuple(Field(name=name, unit=_unit(data[name])) for name in names),
        grid=Grid(
            axes=axes,
            shape=tuple(data.sizes[axis] for axis in axes),
            spacing=tuple(_spacing(data, axis) for axis in axes),
            boundary=_boundary(data, axes, record, boundary),
        ),
        time_step=time_step,
        dataset=_dataset(data, names, records, datasets),
    )
    _tell_differences(spec, record)
    samples = (SAMPLE,) if SAMPLE in data[names[0]].dims else ()
    last = data.isel({TIME: slice(-history, None)})
    frames = [last[name].transpose(*samples, TIME, *axes).values for name in names]
    stacked = np.stack(frames, axis=1 + len(samples)).astype(np.float32)
    return Known(
        spec=spec,
        history=stacked if samples else stacked[None],
        times=np.arange(data.sizes[TIME]) * time_step if times is None else times,
        has_samples=bool(samples),
        given={
            name: values
            for name in model.given_scales
            if (values := _given(data, name, axes, len(stacked) if samples else 1)) is not None
        },
    )


def _given(
    data: xr.Dataset, name: str, axes: tuple[str, ...], size: int
) -> Float[np.ndarray, "b *any"] | None:
    """A static field or a parameter of every sample; None if the dataset does not have it."""
    key = next((key for key in (name, PARAMETER + name) if key in data), None)
    if key is None:
        return None
    values = data[key]
    if TIME in values.dims:  # it does not change in time for the model
        values = values.isel({TIME: 0})
    values = values.transpose(*(dim for dim in (SAMPLE, *axes) if dim in values.dims))
    if set(values.dims) - {SAMPLE} not in (set(), set(axes)):
        raise ConfigError(
            f"{name}, which the model is given, has the dimensions "
            f"{', '.join(map(str, values.dims))}.",
            remedy=f"Hand it over with {', '.join(axes)}, or as one number a sample.",
        )
    found = values.values.astype(np.float32)
    return found if SAMPLE in values.dims else np.repeat(found[None], size, axis=0)


def _fields(data: xr.Dataset, model: Model) -> tuple[str, ...]:
    """Names of the fields that the model knows, in its order."""
    moving = [
        str(name)
        for name, values in data.data_vars.items()
        if TIME in values.dims and name not in model.given_scales
    ]
    if not moving:
        raise ConfigError(
            f"No variable has the dimension time; there are {', '.join(map(str, data.dims))}.",
            remedy='Rename the one that is it: dataset.rename(t="time").',
        )
    names = tuple(name for name in model.fields if name in moving)
    if not names:
        raise ConfigError(
            f"The model does not know {', '.join(moving)}; it knows {', '.join(model.fields)}.",
            remedy="Rename the variables, or fine-tune the model on such data.",
        )
    if unknown := [name for name in moving if name not in names]:
        _tell(f"The model does not know {', '.join(unknown)}; they are left out.")
    return names


def _nearest(
    records: Sequence[StoreRecord], names: Sequence[str], dataset: str
) -> StoreRecord | None:
    """The training store whose fields are most like these, first of all that of this name."""
    common = [record for record in records if set(record.fields) & set(names)]
    return max(
        common,
        key=lambda record: (-len(set(record.fields) ^ set(names)), record.name == dataset),
        default=None,
    )


def _dataset(
    data: xr.Dataset,
    names: Sequence[str],
    records: Sequence[StoreRecord],
    datasets: Collection[str],
) -> str:
    """Name whose limits and blend hold: as the data says, or the only one with these fields."""
    if "dataset" in data.attrs:
        return str(data.attrs["dataset"])
    same = {record.name for record in records if set(record.fields) == set(names)}
    if len(same) != 1:
        return ""
    (name,) = same
    if name in datasets:
        _tell(
            f"The data has no attribute dataset: limits and blend are those of {name}, the only "
            "training data with these fields."
        )
    return name


def _axes(
    data: xr.Dataset, names: Sequence[str], record: StoreRecord | None, model: Model
) -> tuple[str, ...]:
    """Axes of space, in the order of the training or else of the dataset."""
    first = data[names[0]]
    axes = tuple(str(dim) for dim in first.dims if dim not in (TIME, SAMPLE))
    for name in names:
        if set(data[name].dims) != set(first.dims):
            raise ConfigError(
                f"{names[0]} has the dimensions {', '.join(map(str, first.dims))}, {name} "
                f"{', '.join(map(str, data[name].dims))}.",
                remedy="Hand over fields of one grid only.",
            )
    if len(axes) not in model.num_axes:
        raise ConfigError(
            f"{names[0]} has the dimensions {', '.join(map(str, first.dims))}: besides time and "
            f"sample, the model knows {' or '.join(map(str, model.num_axes))} axes of space, not "
            f"{len(axes)}.",
            remedy="Select one of what is no axis of space, or rename it to sample.",
        )
    if record is not None and set(record.axes) == set(axes):
        return record.axes
    return axes


def _boundary(
    data: xr.Dataset,
    axes: Sequence[str],
    record: StoreRecord | None,
    given: Mapping[str, Boundary],
) -> tuple[Boundary, ...]:
    """Rules of the axes: as given, as the dataset says, or as in training."""
    if wrong := [
        axis for axis, rule in given.items() if axis not in axes or rule not in BOUNDARIES
    ]:
        raise ConfigError(
            f"boundary names {', '.join(f'{axis}={given[axis]}' for axis in wrong)}; axes are "
            f"{', '.join(axes)}, and rules {', '.join(BOUNDARIES)}."
        )
    described = data.attrs.get("boundary")
    rules: dict[str, Boundary] = {}
    if record is not None:
        rules |= dict(zip(record.axes, record.boundary, strict=False))
    if isinstance(described, Mapping):
        own = {axis: rule for axis, rule in described.items() if rule in BOUNDARIES}
        for axis in [axis for axis in axes if axis in own and axis not in given]:
            if record is not None and rules.get(axis, own[axis]) != own[axis]:
                _tell(
                    f"The boundary along {axis} is {own[axis]}; on {record.name} the model was "
                    f"trained with {rules[axis]}."
                )
        rules |= own
    rules |= given
    if unknown := [axis for axis in axes if axis not in rules]:
        example = ", ".join(f'"{axis}": "periodic"' for axis in unknown)
        _tell(f"The boundary along {', '.join(unknown)} is not known: say boundary={{{example}}}.")
    return tuple(rules.get(axis, "unknown") for axis in axes)


def _time_step(times: np.ndarray | None, record: StoreRecord | None) -> float:
    """Time between two frames, in seconds where times are dates; that of training if alike."""
    trained = None if record is None else record.time_step
    if times is None or len(times) < 2:
        return 1.0 if trained is None else trained
    if times.dtype.kind not in "iufMm":
        raise DataError(
            f"Times are of the type {times.dtype}, neither numbers nor datetime64.",
            remedy="Convert them, such as with dataset.convert_calendar('standard').",
        )
    steps = np.diff(times)
    if steps.dtype.kind == "m":
        steps = steps / np.timedelta64(1, "s")
    step = float(steps.mean())
    if step <= 0 or np.abs(steps - step).max() > UNEVEN * step:
        raise DataError(
            f"Times are not evenly spaced: steps go from {steps.min():g} to {steps.max():g}.",
            remedy="Interpolate to equal steps, such as with dataset.interp(time=…).",
        )
    # Coordinates in float32 have rounded what the model has learned exactly.
    return trained if trained is not None and _alike(step, trained) else step


def _tell_differences(spec: FieldSpec, record: StoreRecord | None) -> None:
    """Warn of what is not as it was in training."""
    if record is None:
        return
    if absent := [name for name in record.fields if name not in spec.names]:
        _tell(
            f"{record.name}, which the model was trained on, has {', '.join(absent)} as well: "
            "predictions without them may be poor."
        )
    if record.time_step is not None and not _alike(spec.time_step, record.time_step):
        _tell(
            f"The time step is {spec.time_step:g}; on {record.name} the model was trained with "
            f"{record.time_step:g}."
        )
    if record.shape and spec.grid.shape != record.shape:
        _tell(
            f"The grid has {_times(spec.grid.shape)} points; on {record.name} the model was "
            f"trained with {_times(record.shape)}."
        )
    trained = dict(zip(record.fields, record.units, strict=False))
    for field in spec.fields:
        if field.unit and trained.get(field.name) not in (None, "", field.unit):
            _tell(f"{field.name} is in {field.unit}, not in {trained[field.name]} as in training.")


def _times(shape: Sequence[int]) -> str:
    return "×".join(map(str, shape))


def _alike(step: float, other: float) -> bool:
    return abs(step - other) <= UNEVEN * abs(other)


def _unit(values: xr.DataArray) -> str:
    unit = str(values.attrs.get("units", ""))
    return "" if unit == "1" else unit


def _spacing(data: xr.Dataset, axis: str) -> float:
    if axis not in data.coords or data.sizes[axis] < 2:
        return 1.0
    positions = data[axis].values.astype(float)
    return float(abs(positions[-1] - positions[0]) / (len(positions) - 1))


def _tell(text: str) -> None:
    warnings.warn(text, MateyWarning, stacklevel=2)
