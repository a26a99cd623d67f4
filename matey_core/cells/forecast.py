"""A cell without a model: a forecast, fitted to each history or to training trajectories."""

import math
import time
from collections.abc import Iterator
from statistics import fmean

import torch

from matey_core.batches import FieldBatch
from matey_core.cells import Cell, CellResult, history_of
from matey_core.data import Windows, sequential_batches
from matey_core.errors import ConfigError
from matey_core.forecasts import Forecaster
from matey_core.inference import Score, Tally, mean_scores
from matey_core.metrics import persistence
from matey_core.runs.sources import StoreWindows, open_stores, sources_of
from matey_core.runs.subset import subset
from matey_core.workflows.finetune import FinetuneConfig

Errors = dict[str, Score]
"""Metric → mean over fields."""
AT_ONCE = 8
"""Windows of a batch."""
FITTED = 256
"""Most windows that a forecast is fitted to, evenly spread: they have more points than it has
coefficients by far."""


@torch.inference_mode()
def forecast_result(cell: Cell) -> CellResult:
    """Fit and test the forecast of a cell, on the windows and trajectories of the models.

    Raises:
        ConfigError: the forecast cannot be fitted to several trajectories.
        DataError: there is nothing to test on.
    """
    began = time.perf_counter()
    sources = _sources(cell)
    forecasters = [_forecaster(cell, each) for each in sources]
    fitted = time.perf_counter()
    tested = [_Test(cell, *each) for each in zip(sources, forecasters, strict=True)]
    one_step = [each.one_step() for each in tested]
    leads = list(zip(*(each.leads() for each in tested), strict=False))

    def means(metric: str, what: str) -> tuple[float, ...]:
        return tuple(fmean(getattr(each[metric], what) for each in stores) for stores in leads)

    def summed(what: str) -> dict[str, float]:
        first = {
            name: fmean(getattr(each[name], what) for each in one_step)
            for name in ("nrmse", "vrmse")
        }
        return {**first, "rollout": fmean(means("nrmse", what))}

    return CellResult(
        run="",
        steps=0,
        step_seconds=0.0,
        step_cpu_seconds=0.0,
        seconds=fitted - began,
        validation=fmean(each.validated() for each in tested),
        errors=summed("error"),
        persistence=summed("persistence"),
        leads=means("nrmse", "error"),
        persistence_leads=means("nrmse", "persistence"),
        spread_leads=means("vrmse", "error"),
        test_seconds=time.perf_counter() - fitted,
    )


def _sources(cell: Cell) -> list[StoreWindows]:
    """The stores that are tested on, with the training trajectories that a model is given."""
    config, data = cell.last, cell.evaluation.data
    assert data is not None
    if cell.is_fitted and data != config.data:
        raise ConfigError(
            f"A forecast that is fitted to trajectories of {config.data} cannot be tested on "
            f"{data}.",
            remedy="Leave evaluation.data out.",
        )
    tuning = config if isinstance(config, FinetuneConfig) else FinetuneConfig(seed=config.seed)
    sources, _ = sources_of(
        open_stores(data),
        history=history_of(cell),
        max_lead=1,
        choose=lambda store: subset(store, tuning.n_samples, seed=tuning.seed, by=tuning.subset),
        given=config.given,
    )
    return sources


def _forecaster(cell: Cell, source: StoreWindows) -> Forecaster:
    assert cell.forecast is not None
    forecaster = cell.forecast.build()
    if not cell.is_fitted:
        return forecaster
    return forecaster.fitted(
        sequential_batches(source.training, batch_size=AT_ONCE, lead_steps=(1,), num_windows=FITTED)
    )


class _Test:
    """One forecast on one store: validation windows, test windows, test trajectories."""

    def __init__(self, cell: Cell, source: StoreWindows, forecaster: Forecaster) -> None:
        self.config, self.forecaster = cell.evaluation, forecaster
        self.history = history_of(cell)
        self.source, self.store = source, source.store
        self.samples = self.store.samples(self.config.split)[: self.config.samples]

    def validated(self) -> float:
        """One-step nRMSE on validation windows; ∞ without any."""
        windows = self.source.validation
        return math.inf if windows is None else self._errors(windows)["nrmse"].error

    def one_step(self) -> Errors:
        """One-step errors on test windows."""
        return self._errors(self._windows(1))

    def leads(self) -> list[Errors]:
        """Errors of every frame of a rollout from the first frames."""
        start = self.config.start
        known = min(self.config.steps, self.store.num_frames - start - self.history)
        windows = self._windows(known)
        tallies = [Tally(self.store.spec.names) for _ in range(known)]
        for batch in self._starts(windows, known):
            predicted, baseline = self.forecaster(batch).values, persistence(batch)
            assert batch.targets is not None
            for index, tally in enumerate(tallies):
                one = slice(index, index + 1)
                valid = None if batch.valid is None else batch.valid[:, one]
                tally.add(predicted[:, one], baseline[:, one], batch.targets[:, one], valid)
        return [mean_scores(tally.scores()) for tally in tallies]

    def _windows(self, max_lead: int) -> Windows:
        return Windows(self.store, self.samples, history=self.history, max_lead=max_lead)

    def _starts(self, windows: Windows, known: int) -> Iterator[FieldBatch]:
        """The window of each trajectory that a rollout starts from."""
        each = windows.per_sample
        first = [number * each + self.config.start for number in range(len(self.samples))]
        for index in range(0, len(first), AT_ONCE):
            some = first[index : index + AT_ONCE]
            yield windows.batch(some, [range(1, known + 1)] * len(some))

    def _errors(self, windows: Windows) -> Errors:
        """One-step errors over windows, evenly spread."""
        tally = Tally(windows.spec.names)
        for batch in sequential_batches(
            windows, batch_size=AT_ONCE, lead_steps=(1,), num_windows=self.config.windows
        ):
            assert batch.targets is not None
            tally.add(self.forecaster(batch).values, persistence(batch), batch.targets, batch.valid)
        return mean_scores(tally.scores())
