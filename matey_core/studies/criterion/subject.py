"""Whose errors an audit of criteria looks at: a model's coarse pass, or persistence."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from matey_core.batches import FieldBatch
from matey_core.criteria import Estimate, History, cell_sums, squared_errors
from matey_core.errors import ConfigError
from matey_core.fields import Grid
from matey_core.metrics import persistence
from matey_core.models import Model, adaptive
from matey_core.nn.padding import pad
from matey_core.nn.scale import Scale
from matey_core.tokenizers import TokenizerConfig

Predict = Callable[[FieldBatch], Float[Tensor, "b l c *space"]]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Windows, cut into coarse cells: what criteria see, and the error that they look for."""

    history: History
    patch: tuple[int, ...]
    """Points per axis of a cell."""
    cells: tuple[int, ...]
    """Cells per axis."""
    exists: Bool[Tensor, " k"]
    """Which cells hold a point of the grid."""
    errors: Float[Tensor, "w n"]
    """Squared error in each of these."""

    @property
    def total(self) -> Float[Tensor, " w"]:
        """(w,) squared error in all cells."""
        return self.errors.sum(1)

    def listed(self, values: Float[Tensor, "w *cells"]) -> Float[Tensor, "w n"]:
        """List the cells that hold a point of the grid."""
        return values.flatten(1)[:, self.exists]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Something that predicts with coarse cells only."""

    tokenizer: TokenizerConfig
    """Its first level on a grid are the cells."""
    predict: Predict
    """From a batch to states in physical units."""
    device: torch.device
    estimate: Estimate | None = None
    """What it has learned about its own errors."""

    def side(self, grid: Grid) -> int:
        """Points per axis of a coarse cell."""
        return self.tokenizer.on(grid.shape).levels[0]

    @torch.no_grad()
    def view(self, batch: FieldBatch) -> View:
        """Predict, and measure the error cell by cell.

        Args:
            batch: with targets at one lead time.
        """
        batch = batch.to(self.device)
        assert batch.targets is not None
        grid = batch.spec.grid
        patch = (self.side(grid),) * grid.num_axes
        scale = Scale.of(batch.history)
        padded = pad(scale.normalize(batch.history), patch, periodic=grid.periodic)
        cells = tuple(size // side for size, side in zip(padded.shape[3:], patch, strict=True))
        errors = squared_errors(
            self.predict(batch)[:, 0],
            batch.targets[:, 0],
            scale.std,
            None if batch.valid is None else batch.valid[:, 0],
        )
        exists = cell_sums(torch.ones_like(errors[:1]), patch, cells).flatten() > 0
        return View(
            history=History(values=padded, std=scale.std, estimate=self.estimate),
            patch=patch,
            cells=cells,
            exists=exists,
            errors=cell_sums(errors, patch, cells).flatten(1)[:, exists],
        )


def stand_in(side: int) -> Subject:
    """Persistence, whose error is what changes.

    Args:
        side: points per axis of a cell.
    """
    return Subject(
        tokenizer=TokenizerConfig(name="uniform", patch=(side,)),
        predict=persistence,
        device=torch.device("cpu"),
    )


def coarse_pass(model: Model, *, name: str) -> Subject:
    """Run a model with all of its cells coarse.

    Args:
        model: in evaluation mode.
        name: of the model, for errors.

    Raises:
        ConfigError: it has cells of one size only.
    """
    model = adaptive(model, what="The study of criteria")
    tokenizer = model.config.tokenization
    if tokenizer.name == "uniform":
        raise ConfigError(
            f"{name} has uniform tokens: it refines no cell, so that there is nothing to choose.",
            remedy="Name a run with model.tokenizer.name=adap_mix or adap_mul, or look at "
            "persistence instead with --without-model.",
        )
    nothing_refined = tokenizer.with_ratio(0.0)
    coarse = nothing_refined.model_copy(update={"balanced": False, "criterion": "variance"})

    def predict(batch: FieldBatch) -> Float[Tensor, "b l c *space"]:
        with model.retokenized(coarse):
            return model(batch).values

    return Subject(
        tokenizer=coarse,
        predict=predict,
        device=next(model.parameters()).device,
        estimate=model.estimate,
    )
