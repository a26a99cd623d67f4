"""One criterion, or several at once: `gradient+innovation`."""

import torch
from jaxtyping import Float
from torch import Tensor

from matey_core.criteria._base import CRITERIA, History
from matey_core.errors import ConfigError

ORACLE = "oracle"


def parts_of(name: str) -> tuple[str, ...]:
    """Split a criterion's name at its plus signs, and see that all parts exist.

    Args:
        name: such as `variance`, or `gradient+innovation`.

    Raises:
        ConfigError: a part is not known, or is the oracle, which no model can have.
    """
    parts = tuple(part.strip() for part in name.split("+"))
    for part in parts:
        if part == ORACLE:
            raise ConfigError(
                "The criterion oracle scores cells by their true error, which is not known before "
                "the prediction is made: no model can choose its cells by it.",
                remedy="Choose another, such as gradient, or learned, which predicts that error; "
                "`matey study criterion` compares all of them with the oracle.",
            )
        CRITERIA[part]  # raises if it is not known, and names what is near
    return parts


def scores_of(name: str, history: History, patch: tuple[int, ...]) -> Float[Tensor, "b *cells"]:
    """Score the cells of one level by one criterion, or by the largest of several.

    Scores of different criteria have different units. So each of several is divided by its
    mean over the sample's cells first: what is far above its own average counts.

    Args:
        name: of a criterion, or of several, joined by plus signs.
        history: what to look at.
        patch: points per axis of a cell.

    Raises:
        ConfigError: a part is not known.
    """
    criteria = [CRITERIA[part] for part in parts_of(name)]
    if len(criteria) == 1:
        return criteria[0](history, patch)
    relative = [_relative(criterion(history, patch)) for criterion in criteria]
    return torch.stack(relative).amax(0)


def _relative(scores: Float[Tensor, "b *cells"]) -> Float[Tensor, "b *cells"]:
    """Divide by the sample's mean; scores that are zero everywhere stay zero."""
    mean = scores.flatten(1).mean(1).reshape(-1, *(1,) * (scores.ndim - 1))
    return scores / torch.where(mean > 0, mean, 1.0)
