"""The error that the model itself expects in a cell, learned beside its other weights."""

from jaxtyping import Float
from torch import Tensor

from matey_core.criteria import CRITERIA, History
from matey_core.errors import ConfigError


@CRITERIA.register("learned")
def learned(history: History, patch: tuple[int, ...]) -> Float[Tensor, "b *cells"]:
    """Ask the model's error head.

    Raises:
        ConfigError: there is no model, or one without such a head.
    """
    if history.estimate is None:
        raise ConfigError(
            "The criterion learned needs a model that was trained with it.",
            remedy="Train one with --set model.tokenizer.criterion=learned, or name another "
            "criterion.",
        )
    return history.estimate(history, patch)
