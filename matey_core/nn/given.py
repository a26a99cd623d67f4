"""What a model is given beside its history, as channels of every point of the grid."""

from collections.abc import Container, Mapping
from dataclasses import replace
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from matey_core.batches import FieldBatch
from matey_core.errors import ConfigError
from matey_core.fields import GivenRole, GivenScale, size_key
from matey_core.tokens import whole_numbers

CHANNELS = 2
"""Of each quantity: its value, and 1 where it is known."""


class SourceSizes(NamedTuple):
    """Sizes of a source, by which samples are divided."""

    name: str
    role: GivenRole
    values: Float[Tensor, " b"]


class GivenTable(nn.Module):
    """For each given quantity: vectors that carry its value and its presence into a stem.

    They begin at zero: a quantity that is new, or that a batch does not have, changes nothing.
    """

    def __init__(self, width: int) -> None:
        """Begin with no quantity.

        Args:
            width: length of a vector.
        """
        super().__init__()
        self.scales: dict[str, GivenScale] = {}
        self.rows = nn.Parameter(torch.zeros(0, CHANNELS, width))

    def append(self, scales: Mapping[str, GivenScale]) -> None:
        """Add quantities; one that is known keeps its scale, and is required if it still is."""
        for name, scale in scales.items():
            known = self.scales.get(name, scale)
            self.scales[name] = replace(known, is_required=known.is_required and scale.is_required)
        new = len(self.scales) - len(self.rows)
        if new:
            zeros = self.rows.detach().new_zeros(new, *self.rows.shape[1:])
            self.rows = nn.Parameter(torch.cat([self.rows.detach(), zeros]))

    def check(self, batch: FieldBatch) -> None:
        """Refuse a batch without what all training data had.

        Raises:
            ConfigError: names what is missing.
        """
        if missing := self.missing(batch.given):
            raise ConfigError(
                f"The model was trained with {', '.join(missing)} given, which "
                f"{batch.spec.dataset or 'the data'} does not have.",
                remedy="Hand over data with these names, or use a model that was trained "
                "without them.",
            )

    def missing(self, names: Container[str]) -> list[str]:
        """Names that a model needs and that are not among others."""
        return [n for n, scale in self.scales.items() if scale.is_required and n not in names]

    def channels(
        self, batch: FieldBatch
    ) -> tuple[Float[Tensor, "b k *space"], Float[Tensor, "k w"]] | None:
        """Values and presence of what a batch has, and their vectors.

        Returns:
            (b, k, *space) in float32, and (k, w); None if the batch has nothing that is known.
        """
        names = list(self.scales)
        last = batch.history[:, -1].unbind(1)
        own = {size_key(name): values for name, values in zip(batch.spec.names, last, strict=True)}
        known = {**batch.given, **own}
        found = [name for name in names if name in known]
        if not found:
            return None
        space = batch.spec.grid.shape
        sizes = self._sizes(batch)
        values = [_spread_out(self._value(known[n], n, sizes), space) for n in found]
        is_known = torch.stack([value.isfinite() for value in values], 1)
        stacked = torch.stack(values, 1).masked_fill(~is_known, 0.0)
        index = whole_numbers(tuple(names.index(name) for name in found), self.rows.device)
        # Name-major, as the vectors are.
        channels = torch.stack([stacked, is_known.to(stacked)], 2).flatten(1, 2)
        return channels, self.rows[index].flatten(0, 1)

    def points(self, batch: FieldBatch, *, repeats: int = 1) -> Float[Tensor, "b *space w"] | None:
        """The sum of all vectors at every point, in float32.

        Args:
            batch: with or without given quantities.
            repeats: copies of every sample, one behind the other.
        """
        found = self.channels(batch)
        if found is None:
            return None
        channels, rows = found
        with torch.autocast(channels.device.type, enabled=False):
            return (channels.movedim(1, -1) @ rows).repeat_interleave(repeats, dim=0)

    def amplitude(self, batch: FieldBatch) -> Float[Tensor, " b"] | None:
        """What the solutions of a linear equation are proportional to; None where nothing is."""
        sizes = self._sizes(batch)
        return None if sizes is None or sizes.role != "linear" else sizes.values

    def _sizes(self, batch: FieldBatch) -> SourceSizes | None:
        """The size of the source in each sample, relative to what is typical; None without one."""
        for name, scale in self.scales.items():
            if scale.role != "plain" and name in batch.given:
                source = batch.given[name].float().reshape(batch.size, -1)
                size = source.square().nanmean(1).sqrt() / scale.size
                is_usable = size.isfinite() & (size > 0)
                return SourceSizes(name, scale.role, torch.where(is_usable, size, 1.0))
        return None

    def _value(
        self, values: Float[Tensor, "b *any"], name: str, sizes: SourceSizes | None
    ) -> Float[Tensor, "b *any"]:
        """A quantity in units of its scale."""
        values, scale = values.float(), self.scales[name]
        if sizes is not None and (sizes.role == "joint" or name == sizes.name):
            values = values / sizes.values.view(-1, *(1,) * (values.ndim - 1))
        return ((values.log() if scale.is_log else values) - scale.center) / scale.spread


def _spread_out(
    values: Float[Tensor, "b *any"], space: tuple[int, ...]
) -> Float[Tensor, "b *space"]:
    """Let a parameter hold at every point."""
    if values.ndim > 1:
        return values
    return values.view(-1, *(1,) * len(space)).expand(-1, *space)
