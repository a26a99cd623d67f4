"""From predicted states to a dataset whose coordinates go on from the known ones."""

import numpy as np
import xarray as xr
from jaxtyping import Float, Shaped

from matey_core.prediction.inputs import SAMPLE, TIME, Known


def dataset_of(
    states: Float[np.ndarray, "b steps c *space"], known: Known, data: xr.Dataset
) -> xr.Dataset:
    """Name what was predicted.

    Args:
        states: frames after the last known one.
        known: what they were predicted from.
        data: the dataset that it was taken from.
    """
    dims = (SAMPLE, TIME, *known.spec.grid.axes)
    fields = {}
    for channel, name in enumerate(known.spec.names):
        values = xr.DataArray(states[:, :, channel], dims=dims, attrs=data[name].attrs)
        if not known.has_samples:
            values = values.isel({SAMPLE: 0})
        fields[name] = values.transpose(*data[name].dims)
    steady = {
        name: values
        for name, values in data.coords.items()
        if TIME not in values.dims and set(values.dims) <= set(dims)
    }
    predicted = xr.Dataset(fields, coords=steady)
    times = _times_after(known, states.shape[1])
    attributes = data[TIME].attrs if TIME in data.coords else {}
    return predicted.assign_coords({TIME: (TIME, times, attributes)})


def _times_after(known: Known, steps: int) -> Shaped[np.ndarray, "steps"]:
    """Times that go on in equal steps, as dates where the known ones are dates."""
    counts, times = np.arange(1, steps + 1), known.times
    if times.dtype.kind in "Mm":
        step = (times[-1] - times[0]) / max(len(times) - 1, 1)
        return times[-1] + counts * step
    return (times[-1] + counts * known.spec.time_step).astype(np.result_type(times, np.float32))
