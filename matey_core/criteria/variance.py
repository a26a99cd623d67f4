"""Variance of the normalized fields inside a cell: units do not matter."""

from jaxtyping import Float
from torch import Tensor

from matey_core.criteria import CRITERIA, History


@CRITERIA.register("variance")
def variance(history: History, patch: tuple[int, ...]) -> Float[Tensor, "b *cells"]:
    """Mean over fields of the unbiased variance over a cell's points and frames."""
    return history.cells(patch).var(-1).mean(-1)
