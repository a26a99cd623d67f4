"""The published architecture (arXiv 2412.20601) as it is, able to load its weights."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from matey_core.models._base import MODELS
from matey_core.models.paper.model import PaperModel
from matey_core.models.paper.published import load_strictly, read_published
from matey_core.models.paper.settings import PaperSettings, PaperTokenizerConfig

__all__ = ["PaperConfig", "PaperModel", "PaperTokenizerConfig", "import_published"]


@MODELS.register("paper")
class PaperConfig(PaperSettings):
    """Settings of the published architecture."""

    def build(self, *, fields: Iterable[str], num_axes: Iterable[int]) -> PaperModel:
        """Make the model; see `ModelConfig.build`."""
        return PaperModel(self, fields, num_axes)


def import_published(
    arrays: Mapping[str, np.ndarray],
    *,
    fields: Sequence[str] | None = None,
    tokenizer: str | None = None,
    gamma: float | None = None,
    ratio: float | None = None,
) -> PaperModel:
    """Make a model from the arrays of a published checkpoint.

    Sizes, scheme, patches, position encoding and number of axes are read off names
    and shapes.

    Args:
        arrays: parameters by published name.
        fields: names of the known fields, in the order of their published numbers;
            "field_0", "field_1", … without it.
        tokenizer: with two patch sizes `adap_mix` (full and factorized by default) or
            `adap_mul` (axial by default): names and shapes do not tell them apart.
        gamma: refinement threshold, which a checkpoint does not hold.
        ratio: fraction of cells to refine, instead of gamma.

    Raises:
        CheckpointError: the arrays are no such model; all names that miss, are too
            many or have another shape are reported at once.
        ConfigError: the checkpoint needs what this variant does not have.
    """
    found = read_published(arrays, tokenizer=tokenizer, gamma=gamma, ratio=ratio)
    names = found.field_names(fields)
    model = PaperConfig(**found.settings).build(fields=names, num_axes=(found.num_axes,))
    load_strictly(model, found.state)
    return model
