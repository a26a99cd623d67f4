"""Vectors of fields, known by name: the only part of a model that depends on them."""

from collections.abc import Iterable, Mapping

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from matey_core.errors import ConfigError
from matey_core.fields import is_answer
from matey_core.tokens import whole_numbers


class FieldTable(nn.Module):
    """For each field: vectors that carry it into a stem, and one that reads it from a head.

    New fields append rows; old rows never move, so predictions of old fields stay
    what they were.
    """

    def __init__(self, names: tuple[str, ...], *, channels: int, outputs: int, width: int) -> None:
        """Draw the rows.

        Args:
            names: the fields.
            channels: what a stem reads of each field.
            outputs: what a head gives of each field; the second one starts from 1.
            width: length of a vector.
        """
        super().__init__()
        self.names = names
        rows = len(names)
        self.enter = nn.Parameter(torch.randn(rows, channels, width))
        self.leave = nn.Parameter(0.02 * torch.randn(rows, outputs, width))
        self.bias = nn.Parameter(torch.arange(float(outputs)).repeat(rows, 1))

    def rows(self, names: Iterable[str]) -> list[int]:
        """Find the rows of some fields.

        Raises:
            ConfigError: a field is not known.
        """
        unknown = [name for name in names if name not in self.names]
        if unknown:
            raise ConfigError(
                f"The model does not know {', '.join(unknown)}; it knows {', '.join(self.names)}.",
                remedy="Fine-tune it on data with these fields: `matey finetune` adds them.",
            )
        return [self.names.index(name) for name in names]

    def entering(self, rows: list[int]) -> Float[Tensor, "k w"]:
        """(channels · fields, w) vectors of every channel of the fields, channel-major.

        Answers are asked for and not shown: their vectors are zero. A stem divides by the root
        of the number of channels, which the vectors of the other fields make up for.
        """
        enter = self.enter[self._index(rows)]
        shown = tuple(int(not is_answer(self.names[row])) for row in rows)
        if not all(shown):
            factor = (len(rows) / sum(shown)) ** 0.5
            enter = enter * (factor * whole_numbers(shown, enter.device).view(-1, 1, 1))
        return enter.transpose(0, 1).flatten(0, 1)

    def leaving(self, rows: list[int]) -> tuple[Float[Tensor, "k w"], Float[Tensor, " k"]]:
        """(outputs · fields, w) vectors and offsets that read a head, output-major."""
        index = self._index(rows)
        leave, bias = self.leave[index], self.bias[index]
        return leave.transpose(0, 1).flatten(0, 1), bias.transpose(0, 1).flatten()

    def _index(self, rows: list[int]) -> Int[Tensor, " n"]:
        """The rows as a tensor: a list as an index would be copied anew, and waited for."""
        return whole_numbers(tuple(rows), self.enter.device)

    def append(self, names: Iterable[str]) -> None:
        """Add rows for fields that are new; those already known are left alone."""
        new = tuple(name for name in names if name not in self.names)
        if not new:
            return
        _, channels, width = self.enter.shape
        outputs = self.bias.shape[1]
        fresh = FieldTable(new, channels=channels, outputs=outputs, width=width)
        fresh = fresh.to(self.enter.device)
        self.names += new
        for key in ("enter", "leave", "bias"):
            rows = torch.cat([getattr(self, key).detach(), getattr(fresh, key).detach()])
            setattr(self, key, nn.Parameter(rows))

    @torch.no_grad()
    def copy_rows(self, sources: Mapping[str, str]) -> None:
        """Give fields the rows of others: of what stands at the left, that of the right."""
        for name, source in sources.items():
            (row, other) = self.rows((name, source))
            for rows in (self.enter, self.leave, self.bias):
                rows[row] = rows[other]
