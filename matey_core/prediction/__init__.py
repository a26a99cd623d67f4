"""A trained model in Python: a dataset in, a dataset of what comes next out."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import numpy as np
import torch
import xarray as xr

from matey_core.batches import FieldBatch
from matey_core.data import Ranges, mask_of
from matey_core.errors import ConfigError
from matey_core.fields import MASK, Boundary
from matey_core.inference import Limiter, fill_missing, rollout
from matey_core.models import Model
from matey_core.prediction.inputs import Known, falling_axes, known_of, with_start
from matey_core.prediction.names import as_dataset
from matey_core.prediction.outputs import dataset_of
from matey_core.runs.folder import StoreRecord
from matey_core.runs.trained import find_trained
from matey_core.training import read_ranges

NO_RANGES: Ranges = MappingProxyType({})


class Predictor:
    """A trained model, and what it was trained on."""

    def __init__(
        self,
        model: Model,
        *,
        path: Path,
        history: int,
        records: Sequence[StoreRecord] = (),
        ranges: Ranges = NO_RANGES,
    ) -> None:
        """Keep a model that is loaded already; `matey_core.load` loads one.

        Args:
            model: on the device where it shall compute.
            path: the directory it was loaded from.
            history: frames that it reads.
            records: what it was trained on, as far as that is known.
            ranges: what its training data showed; empty where that is not known.
        """
        self.model = model
        self.path = path
        self.history = history
        self.records = tuple(records)
        self.ranges = ranges

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the fields that the model knows."""
        return self.model.fields

    def __repr__(self) -> str:
        return (
            f"<matey model {self.path}: {', '.join(self.fields)}; history of {self.history} frames>"
        )

    def predict(
        self,
        data: xr.Dataset | xr.DataArray | np.ndarray,
        *,
        steps: int = 20,
        names: Sequence[str] | None = None,
        boundary: Mapping[str, Boundary] | None = None,
        batch_size: int = 8,
        limit: bool = True,
    ) -> xr.Dataset:
        """Predict the frames that follow the last one of a dataset.

        Args:
            data: fields with the dimension `time`, perhaps `sample`, and one to three further
                ones, which are space. NaN is what is missing. The last `history` frames are
                read. Or an array (time, field, *space) with `names`. What the model is given
                beside its history is read by name, parameters also as `param_NAME`. Where that is
                all there is, the history is zeros, as of a problem without time.
            steps: number of frames to predict.
            names: of the fields of an array.
            boundary: axis → `periodic`, `outflow`, `no_flux`, `no_slip` or `dirichlet`; by
                default as the attributes of a store say, or as in training.
            batch_size: samples that are predicted together.
            limit: scale frames down that depart too far from what training data showed.

        Returns:
            The same fields and dimensions in float32, at the `steps` times after the last
            known one, with the coordinates of `data`.

        Raises:
            ConfigError: an argument cannot be, or the model knows none of the fields.
            DataError: there are too few frames, or times are not evenly spaced.

        Warns:
            MateyWarning: fields, units, grid, boundary or time step are not those of the
                training, or the data does not say which dataset's limits hold.
        """
        if steps < 1 or batch_size < 1:
            raise ConfigError(
                f"steps is {steps} and batch_size {batch_size}; both must be at least 1."
            )
        named = as_dataset(data, names, self.records)
        dataset = with_start(named, model=self.model, records=self.records)
        falling = falling_axes(dataset)
        dataset = dataset.isel(falling)
        known = known_of(
            dataset,
            model=self.model,
            history=self.history,
            records=self.records,
            boundary=boundary or {},
            datasets={*self.ranges, *self.model.blends},
        )
        parts = [
            self._states(known, slice(first, first + batch_size), steps, limit=limit)
            for first in range(0, len(known.history), batch_size)
        ]
        return dataset_of(np.concatenate(parts), known, dataset).isel(falling)

    def _states(self, known: Known, samples: slice, steps: int, *, limit: bool) -> np.ndarray:
        device = next(self.model.parameters()).device
        frames = torch.from_numpy(known.history[samples]).to(device)
        history, missing = fill_missing(frames)
        given = {name: torch.from_numpy(v[samples]).to(device) for name, v in known.given.items()}
        if MASK in self.model.given_scales and MASK not in given:
            given[MASK] = mask_of(frames)
        batch = FieldBatch(
            spec=known.spec,
            history=history,
            lead_steps=torch.ones(len(history), 1, dtype=torch.int64, device=device),
            given=given,
        )
        limiter = None
        if limit and self.ranges:
            # Growth counts from the first frame of a trajectory, which this need not be.
            limiter = Limiter(batch, self.ranges, missing=missing, is_first=False)
        states = rollout(self.model, batch, steps=steps, missing=missing, limiter=limiter)
        return np.stack([state.float().cpu().numpy() for state in states], axis=1)


def load(
    path: str | Path | None = None, *, runs: str | Path = "runs", device: str | None = None
) -> Predictor:
    """Load the model of a run, or of a model directory.

    Args:
        path: run, model directory, or name of a run in `runs`; None for the newest run.
        runs: folder of the runs.
        device: where it computes; by default a GPU if there is one.

    Raises:
        CheckpointError: there is none, or it is damaged.
    """
    trained = find_trained(None if path is None else Path(path), runs=Path(runs))
    where = device or ("cuda" if torch.cuda.is_available() else "cpu")
    return Predictor(
        trained.load().to(where).eval(),
        path=trained.path,
        history=trained.history,
        records=trained.records,
        ranges=read_ranges(trained.path),
    )
