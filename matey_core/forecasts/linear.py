"""The last change goes on: linear extrapolation of the last two frames, point by point."""

from collections.abc import Iterator
from itertools import count
from typing import Literal

from jaxtyping import Float
from torch import Tensor

from matey_core.batches import FieldBatch
from matey_core.forecasts import FORECASTS, ForecastConfig, Forecaster


@FORECASTS.register("linear")
class LinearConfig(ForecastConfig):
    """Extrapolate the last two frames; a history of one frame is repeated."""

    name: Literal["linear"] = "linear"

    def build(self) -> Forecaster:
        """Make the forecaster."""
        return Linear()


class Linear(Forecaster):
    """Last frame + lead · (last frame − the one before)."""

    def states(self, batch: FieldBatch) -> Iterator[Float[Tensor, "b c *space"]]:
        """Extrapolate; see `Forecaster.states`."""
        last, before = batch.history[:, -1], batch.history[:, -2:][:, 0]
        return (last + lead * (last - before) for lead in count(1))
