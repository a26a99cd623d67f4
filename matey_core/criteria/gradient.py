"""Mean squared difference of neighbours inside a cell: edges and fronts."""

from jaxtyping import Float
from torch import Tensor

from matey_core.criteria import CRITERIA, History


@CRITERIA.register("gradient")
def gradient(history: History, patch: tuple[int, ...]) -> Float[Tensor, "b *cells"]:
    """Mean over fields of the summed squared differences between a cell's neighbours."""
    cells = history.cells(patch)
    points = cells.unflatten(-1, (-1, *patch))
    total = cells.new_zeros(cells.shape[:-1])
    for axis in range(points.ndim - len(patch), points.ndim):
        step = points.diff(dim=axis)
        if step.numel():
            total = total + step.square().flatten(cells.ndim - 1).mean(-1)
    return total.mean(-1)
