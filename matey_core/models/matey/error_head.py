"""A small head that learns where the model errs, for the criterion `learned`.

It sees a few statistics of every cell, its neighbors and the whole frame, field by field, and
expects an error relative to the frame's. Statistics are cheap, free of units, and the same for
all fields, cell sizes and numbers of axes, so that one head serves them all. It begins
near the order of `innovation`, which is good from the start (with a single frame, near none), and
learns what to change.

Cells that were refined have a smaller error than they would have had coarse; a head that
learned from them would take the cells that need refinement for harmless, and one that learned
only from the cells that were left coarse would never see a difficult one. So in training a
fraction `SPARED` of the cells, drawn by lot, ranks last and stays coarse as long as the budget
allows, and the head learns from these alone: a fair sample of all cells, each with its coarse
error. That costs no further pass, keeps shapes as they are, and shows the coarse stem and head
some detailed cells.
"""

from dataclasses import replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from matey_core.batches import FieldBatch
from matey_core.criteria import History, cell_sums, squared_errors
from matey_core.models._wrapper import Frame
from matey_core.nn.padding import pad
from matey_core.tokenizers import Tree

SPARED = 0.125
"""Fraction of the cells from which the head learns."""
WEIGHT = 0.01
"""Of its loss beside the objective. Adam makes up for it; gradients are clipped all together,
and the objective shall decide by how much."""
REACH = 8.0
"""Largest logarithm of an expected error relative to the frame's mean."""
FLOOR = 1e-8
"""Added to mean squares before the logarithm; normalized fields have mean squares around 1."""
STATISTICS = 9
HIDDEN = 32

POOLS = {
    1: nn.functional.max_pool1d,
    2: nn.functional.max_pool2d,
    3: nn.functional.max_pool3d,
}


class ErrorHead(nn.Module):
    """Statistics of cells to the errors that the model expects there."""

    def __init__(self) -> None:
        super().__init__()
        self.by_field = nn.Sequential(nn.Linear(3 * STATISTICS + 1, HIDDEN), nn.GELU())
        self.over_fields = nn.Sequential(nn.Linear(HIDDEN, HIDDEN), nn.GELU(), nn.Linear(HIDDEN, 1))

    def forward(self, history: History, patch: tuple[int, ...]) -> Float[Tensor, "b *cells"]:
        """Expect an error for every cell, relative to the frame's mean.

        Args:
            history: normalized and padded.
            patch: points per axis of a cell.
        """
        return self.logarithm(history, patch).exp()

    def logarithm(self, history: History, patch: tuple[int, ...]) -> Float[Tensor, "b *cells"]:
        """Compute the natural logarithm of `forward`."""
        with torch.autocast(history.values.device.type, enabled=False):
            squares = _squares(history, patch)
            around = _around((squares + FLOOR).log10() / 4 + 1)
            side = torch.full_like(around[..., :1], patch[0]).log2() / 4
            fields = self.by_field(torch.cat([around, side], dim=-1))
            raw = self.over_fields(fields.mean(1)).squeeze(-1) + _prior(squares)
            return REACH * torch.tanh(raw / REACH)

    def loss(
        self,
        history: History,
        tree: Tree,
        errors: Float[Tensor, "b *padded"],
        known: Float[Tensor, "b *padded"],
    ) -> Float[Tensor, ""]:
        """Mean of r/q + log q over spared cells that stayed coarse.

        r is the mean squared error of a cell over that of the frame, and q what the head
        expects: minus the logarithm of an exponential density. The expected loss is smallest
        where q is the mean of r, and quiet cells count as much as loud ones.

        Args:
            history: normalized and padded.
            tree: what the errors were made with; spared cells score 0.
            errors: (b, *padded) squared errors, 0 where unknown.
            known: (b, *padded) share of the fields whose truth is known.
        """
        mean = _per_point(errors.flatten(1).sum(1), known.flatten(1).sum(1))
        total, count = errors.new_zeros(()), errors.new_zeros(())
        for level, patch in enumerate(tree.patches[:-1]):
            cells = tree.cells(level)
            points = cell_sums(known, patch, cells)
            coarse = _per_point(cell_sums(errors, patch, cells), points)
            relative = _per_point(coarse, mean.reshape(-1, *(1,) * len(patch)))
            expected = self.logarithm(history, patch)
            counts = spared(tree, level) & (points > 0)
            total = total + torch.where(counts, relative * (-expected).exp() + expected, 0.0).sum()
            count = count + counts.sum()
        return WEIGHT * total / count.clamp(min=1)


def side_loss(
    head: ErrorHead,
    frame: Frame,
    tree: Tree,
    batch: FieldBatch,
    prediction: Float[Tensor, "b c *space"],
) -> Float[Tensor, ""]:
    """Let the head learn from a prediction, which gets no gradient.

    Args:
        head: learns.
        frame: normalized history.
        tree: the cells that the prediction was made with.
        batch: has targets; (sample, lead) pairs are the rows of all else.
        prediction: (b, c, *space) in physical units.
    """
    assert batch.targets is not None
    valid = None if batch.valid is None else batch.valid.flatten(0, 1)
    errors = squared_errors(
        prediction.detach(), batch.targets.flatten(0, 1), frame.scale.std, valid
    )
    known = torch.ones_like(errors) if valid is None else valid.float().mean(1)
    fields, errors, known = (
        pad(values, tree.patches[0], periodic=frame.grid.periodic, shift=frame.shift)
        for values in (frame.values, errors[:, None, None], known[:, None, None])
    )
    history = History(values=fields, std=frame.scale.std)
    return head.loss(history, tree, errors[:, 0, 0], known[:, 0, 0])


def spared(tree: Tree, level: int) -> Bool[Tensor, "b *cells"]:
    """Tell which cells of a level were drawn to stay coarse, and did."""
    return (tree.scores[level] == 0) & tree.leaves[level]


def _squares(history: History, patch: tuple[int, ...]) -> Float[Tensor, "b c *cells k"]:
    """Three mean squares, each of the last frame, its change, and the change of its change.

    The squares are those of a cell's mean, of deviations from it and of differences between
    neighbors. A history too short for a change shows none.
    """
    frames = history.values[:, -3:]
    change = frames.diff(dim=1)
    bend = change.diff(dim=1)
    none = torch.zeros_like(frames[:, :1])
    shown = [part[:, -1:] if part.shape[1] else none for part in (frames, change, bend)]
    cells = replace(history, values=torch.cat(shown, dim=1)).cells(patch)
    points = cells.unflatten(-1, (3, -1))  # (b, *cells, c, 3, m)
    mean, grid = points.mean(-1).square(), points.unflatten(-1, patch)
    steep = torch.zeros_like(mean)
    for axis in range(grid.ndim - len(patch), grid.ndim):
        steep = steep + grid.diff(dim=axis).square().flatten(points.ndim - 1).mean(-1)
    return torch.cat([mean, points.var(-1, correction=0), steep], dim=-1).movedim(-2, 1)


def _prior(squares: Float[Tensor, "b c *cells k"]) -> Float[Tensor, "b *cells"]:
    """Half the logarithm of the mean squared change, less its mean over the frame."""
    change = (squares[..., 1] + squares[..., 4]).mean(1)  # of the mean, and of deviations
    half = (change + FLOOR).log() / 2
    return half - half.mean(tuple(range(1, half.ndim)), keepdim=True)


def _around(statistics: Float[Tensor, "b c *cells k"]) -> Float[Tensor, "b c *cells k3"]:
    """Put those of the neighborhood, as maxima, and means over the frame beside a cell's own."""
    cells = statistics.shape[2:-1]
    flat = statistics.movedim(-1, 2).flatten(1, 2)
    near = POOLS[len(cells)](flat, 3, stride=1, padding=1)
    near = near.unflatten(1, statistics.shape[1:2] + statistics.shape[-1:]).movedim(2, -1)
    mean = statistics.mean(tuple(range(2, statistics.ndim - 1)), keepdim=True)
    return torch.cat([statistics, near, mean.expand_as(statistics)], dim=-1)


def _per_point(total: Tensor, points: Tensor) -> Tensor:
    """Divide, and answer 0 where there is nothing to divide by."""
    return torch.where(points > 0, total / torch.where(points > 0, points, 1.0), 0.0)
