"""How well scores find errors: the share of the error that lies in the chosen cells."""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

SHARES = tuple(number / 100 for number in range(101))
"""Shares of the cells at which curves are given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mean:
    """Mean over trajectories, each the mean over its windows."""

    value: float
    standard_error: float
    """Of the mean over trajectories; NaN where there is only one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundError:
    """How much of the error one criterion has found."""

    criterion: str
    captured: Mean
    """Share of the squared error that lies in the chosen cells."""
    gain: float
    """Of what the oracle captures beyond chance: 1 is the oracle, 0 is chance."""
    correlation: Mean
    """Spearman's rank correlation of score and error over cells; NaN where scores are equal."""
    curve: tuple[float, ...]
    """Captured share of the error at the shares of cells 0, 0.01, …, 1."""


class Ledger:
    """Collects what every criterion finds in every window."""

    def __init__(self) -> None:
        self._captured: dict[str, dict[int, list[np.ndarray]]] = defaultdict(dict)
        self._correlation: dict[str, dict[int, list[float]]] = defaultdict(dict)

    def add(
        self,
        criterion: str,
        scores: Float[Tensor, "w n"],
        errors: Float[Tensor, "w n"],
        trajectories: Sequence[int],
    ) -> None:
        """Count some windows.

        Args:
            criterion: what scored.
            scores: (w, n) of every cell.
            errors: (w, n) squared error in every cell, more than 0 in sum.
            trajectories: (w) which one each window is from.
        """
        found = captured(scores, errors).cpu().numpy()
        correlations = rank_correlation(scores, errors).tolist()
        for row, trajectory in enumerate(trajectories):
            self._captured[criterion].setdefault(trajectory, []).append(found[row])
            self._correlation[criterion].setdefault(trajectory, []).append(correlations[row])

    def found(self, criterion: str, *, chosen: int, oracle: str) -> FoundError:
        """Sum up one criterion.

        Args:
            criterion: one that was added.
            chosen: number of cells that are chosen.
            oracle: the criterion that captures most.
        """
        windows = self._captured[criterion]
        num_cells = len(next(iter(windows.values()))[0]) - 1
        chance = chosen / num_cells
        mean = _mean({key: [row[chosen] for row in rows] for key, rows in windows.items()})
        best = _mean(
            {key: [row[chosen] for row in rows] for key, rows in self._captured[oracle].items()}
        ).value
        curves = np.mean([np.mean(rows, axis=0) for rows in windows.values()], axis=0)
        places = np.arange(num_cells + 1) / num_cells
        return FoundError(
            criterion=criterion,
            captured=mean,
            gain=(mean.value - chance) / (best - chance) if best > chance else math.nan,
            correlation=_mean(self._correlation[criterion]),
            curve=tuple(np.interp(SHARES, places, curves).tolist()),
        )


def captured(scores: Float[Tensor, "w n"], errors: Float[Tensor, "w n"]) -> Float[Tensor, "w k"]:
    """Share of the error in the 0, 1, …, n cells that score highest; ties go to the first.

    Args:
        scores: (w, n).
        errors: (w, n) of at least 0, more than 0 in sum.
    """
    order = scores.argsort(dim=1, descending=True, stable=True)
    sums = errors.double().gather(1, order).cumsum(1)
    return torch.cat([torch.zeros_like(sums[:, :1]), sums / sums[:, -1:]], dim=1)


def rank_correlation(a: Float[Tensor, "w n"], b: Float[Tensor, "w n"]) -> Float[Tensor, " w"]:
    """Spearman's ρ of each row: Pearson's correlation of ranks, equal values sharing theirs.

    NaN where all values of a row are equal.
    """
    first, second = (_centred(_ranks(values)) for values in (a, b))
    spread = first.square().sum(1) * second.square().sum(1)
    return torch.where(spread > 0, (first * second).sum(1) / spread.sqrt(), torch.nan)


def _ranks(values: Float[Tensor, "w n"]) -> Float[Tensor, "w n"]:
    values = values.contiguous()
    in_order = values.sort(dim=1).values
    below: Int[Tensor, "w n"] = torch.searchsorted(in_order, values)
    upto: Int[Tensor, "w n"] = torch.searchsorted(in_order, values, right=True)
    return (below + upto).double() / 2


def _centred(values: Float[Tensor, "w n"]) -> Float[Tensor, "w n"]:
    return values - values.mean(1, keepdim=True)


def _mean(windows: dict[int, list[float]]) -> Mean:
    """Average windows, then trajectories; windows where nothing is defined are left out."""
    known = [[value for value in values if not math.isnan(value)] for values in windows.values()]
    means = [float(np.mean(values)) for values in known if values]
    if not means:
        return Mean(value=math.nan, standard_error=math.nan)
    spread = float(np.std(means, ddof=1)) / len(means) ** 0.5 if len(means) > 1 else math.nan
    return Mean(value=float(np.mean(means)), standard_error=spread)
