"""Variance in physical units (arXiv 2412.20601): the field with the largest numbers decides."""

from jaxtyping import Float
from torch import Tensor

from matey_core.criteria import CRITERIA, History
from matey_core.nn.scale import power_of_two


@CRITERIA.register("raw_variance")
def raw_variance(history: History, patch: tuple[int, ...]) -> Float[Tensor, "b *cells"]:
    """Mean over fields of the unbiased variance, each field in its own units.

    Of a sample, only ratios of scores count: they are in units of its largest field.
    """
    spread = (history.std / power_of_two(history.std.amax(1, keepdim=True))).square()
    shape = (spread.shape[0], *(1,) * len(patch), spread.shape[1])
    return (history.cells(patch).var(-1) * spread.reshape(shape)).mean(-1)
