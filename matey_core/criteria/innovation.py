"""Mean squared last change of the normalized fields inside a cell: where things happen."""

from dataclasses import replace

from jaxtyping import Float
from torch import Tensor

from matey_core.criteria import CRITERIA, History


@CRITERIA.register("innovation")
def innovation(history: History, patch: tuple[int, ...]) -> Float[Tensor, "b *cells"]:
    """Mean over fields and points of the squared change from the last frame but one to the last.

    A history of one frame shows no change; cells then score by their variance.
    """
    if history.values.shape[1] == 1:
        return history.cells(patch).var(-1).mean(-1)
    change = replace(history, values=history.values[:, -2:].diff(dim=1))
    return change.cells(patch).square().mean((-1, -2))
