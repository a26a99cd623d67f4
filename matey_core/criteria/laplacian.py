"""Mean squared second difference inside a cell: high-pass energy, what a coarse grid cannot hold.

The second difference multiplies a wave of k radians a point by 2 − 2 cos k ≈ k²: smooth slopes,
which a coarse cell represents well, count for nothing.
"""

from jaxtyping import Float
from torch import Tensor

from matey_core.criteria import CRITERIA, History
from matey_core.criteria._differences import energy


@CRITERIA.register("laplacian")
def laplacian(history: History, patch: tuple[int, ...]) -> Float[Tensor, "b *cells"]:
    """Mean over fields of the squared second differences along each axis, summed over axes.

    Cells of two points along an axis have first differences only; those count then.
    """
    return energy(history, patch, order=2)
