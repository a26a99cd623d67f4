"""Mean squared difference of neighbours inside a cell: edges and fronts."""

from jaxtyping import Float
from torch import Tensor

from matey_core.criteria import CRITERIA, History
from matey_core.criteria._differences import energy


@CRITERIA.register("gradient")
def gradient(history: History, patch: tuple[int, ...]) -> Float[Tensor, "b *cells"]:
    """Mean over fields of the summed squared differences between a cell's neighbours."""
    return energy(history, patch, order=1)
