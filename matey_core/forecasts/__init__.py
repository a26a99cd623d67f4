"""Training-free forecasts of later frames: the door of the family."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from matey_core.batches import FieldBatch, Prediction
from matey_core.config import PartConfig
from matey_core.errors import ConfigError
from matey_core.forecasts._blend import Blend, Blended
from matey_core.registry import Registry

__all__ = ["FORECASTS", "Blend", "Blended", "ForecastConfig", "Forecaster"]


class Forecaster(ABC):
    """Predicts from nothing but the history it is given: it has no weights and learns nothing.

    What it says of a sample does not depend on the others of the batch, nor on units.
    """

    @abstractmethod
    def states(self, batch: FieldBatch) -> Iterator[Float[Tensor, "b c *space"]]:
        """Predict one stored frame after another, without end.

        Args:
            batch: a history of at least one frame. Lead times and targets are not used. Cells
                that `valid` has at no lead time are missing: whatever they hold changes nothing
                elsewhere.

        Yields:
            (b, c, *space) the state one stored frame later than the one before, in physical
            units; ∞ or NaN where it blows up.
        """

    def fitted(self, batches: Iterable[FieldBatch]) -> "Forecaster":
        """Fit it to windows with targets at lead 1: a forecaster that then learns nothing more.

        Args:
            batches: of the same fields and grid.

        Raises:
            ConfigError: there is nothing to fit; the default.
        """
        raise ConfigError(
            f"{type(self).__name__} has nothing that can be fitted to trajectories.",
            remedy="Fit `local_linear`.",
        )

    def __call__(self, batch: FieldBatch) -> Prediction:
        """Predict the states at `batch.lead_steps`, in physical units."""
        return self.at_leads(batch, self.states(batch))

    @staticmethod
    def at_leads(batch: FieldBatch, states: Iterator[Float[Tensor, "b c *space"]]) -> Prediction:
        """Take those of the states of all frames that are at `batch.lead_steps`."""
        leads, space = batch.lead_steps, batch.history.shape[3:]
        values = batch.history[:, -1:].expand(-1, leads.shape[1], -1, *space)
        for lead, state in enumerate(islice(states, int(leads.max())), start=1):
            is_due = (leads == lead).view(*leads.shape, *(1,) * state[0].ndim)
            values = torch.where(is_due, state[:, None], values)
        return Prediction(spec=batch.spec, values=values, lead_steps=leads)


FORECASTS: Registry[type["ForecastConfig"]] = Registry(__name__)


class ForecastConfig(PartConfig):
    """Settings of a forecaster."""

    family: ClassVar[Registry[Any]] = FORECASTS
    default: ClassVar[str] = "persistence"

    name: str = default
    """Name of the forecast in settings and tables."""

    @abstractmethod
    def build(self) -> Forecaster:
        """Make the forecaster."""
