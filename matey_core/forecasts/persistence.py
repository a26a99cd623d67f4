"""Nothing changes: the last known frame, at every lead time."""

from collections.abc import Iterator
from itertools import repeat
from typing import Literal

from jaxtyping import Float
from torch import Tensor

from matey_core.batches import FieldBatch
from matey_core.forecasts import FORECASTS, ForecastConfig, Forecaster


@FORECASTS.register("persistence")
class PersistenceConfig(ForecastConfig):
    """Repeat the last known frame."""

    name: Literal["persistence"] = "persistence"

    def build(self) -> Forecaster:
        """Make the forecaster."""
        return Persistence()


class Persistence(Forecaster):
    """The last known frame, again and again."""

    def states(self, batch: FieldBatch) -> Iterator[Float[Tensor, "b c *space"]]:
        """Repeat it; see `Forecaster.states`."""
        return repeat(batch.history[:, -1])
