"""Answers for alike parameters evolve alike, and others apart: physics-informed contrastive.

After PICL (Lorsung & Barati Farimani, arXiv 2401.16327) as released for *Strategies for
Pretraining Neural Operators* (TMLR 2024). Nothing is predicted: no target is used. Samples i and j
are those of a process's part of a batch, all ordered pairs, i = j included:

S = √|θᵢ·θⱼ| / max(‖θᵢ‖, ‖θⱼ‖), similarity of the parameters θ of the equation

D = ⟨((uᵢ − vⱼ) − (zᵢ + F(zᵢ) − zⱼ))²⟩, distance, a mean over fields and space

loss = mean over pairs of ½ S D + ½ (1 − S) max(0, τ − D), with τ the mean of D, without gradient

u is the last frame of the history and v the frame before, z the model's answer, and F one explicit
step of the equation with the sample's own parameters, over one frame. So of a sample with itself it
asks that the equation's next change be the last one; the loss alone predicts nothing.

Unlike the released one, this is free of units: each parameter is relative to its root mean square
over the part, and each field to that of u − v. A batch comes from one store, so all pairs are of
one equation. F is exponential, which the equation's stiff terms do not blow up.
"""

from typing import Literal

import torch
from jaxtyping import Float
from pydantic import NonNegativeFloat
from torch import Tensor

from matey_core.batches import FieldBatch, Prediction
from matey_core.data import Windows
from matey_core.equations import Equation, KnownEquation, step
from matey_core.errors import ConfigError
from matey_core.losses import LossFunction
from matey_core.objectives import OBJECTIVES
from matey_core.objectives._known import KnownEquationConfig, check_store, equation_for


@OBJECTIVES.register("contrastive")
class ContrastiveConfig(KnownEquationConfig):
    """A contrast between the samples of a batch, by the parameters of their equation."""

    name: Literal["contrastive"] = "contrastive"
    supervised: NonNegativeFloat = 0.0
    """What the loss counts beside it."""

    @property
    def predicts_states(self) -> bool:
        """Only if the loss counts as well."""
        return self.supervised > 0

    def check(self, windows: Windows) -> None:
        """Raise unless the store's equation is known, and frames follow each other."""
        _check_changes(windows.history, check_store(windows, self.equation), windows.store.name)

    def missed(
        self, prediction: Prediction, batch: FieldBatch, loss: LossFunction
    ) -> Float[Tensor, ""]:
        """The contrast; the loss has no part in it."""
        return _contrast(prediction, batch, equation_for(batch, self.equation))


def _contrast(
    prediction: Prediction, batch: FieldBatch, equation: KnownEquation
) -> Float[Tensor, ""]:
    """The loss of all pairs, a mean over lead times.

    Raises:
        ConfigError: there is no frame before the last, or no time.
    """
    _check_changes(batch.history.shape[1], equation.equation, batch.spec.dataset)
    last, before = batch.history[:, -1], batch.history[:, -2]
    similar = similarity(torch.stack([each.flatten() for each in equation.constants.values()], 1))
    space = (0, *range(2, last.ndim))
    unit = (last - before).square().mean(space, keepdim=True).sqrt()
    unit = torch.where(unit > 0, unit, torch.inf)
    interval = last.new_full((batch.size, *[1] * (last.ndim - 1)), batch.spec.time_step)
    losses = []
    for answer in prediction.values.to(last.dtype).unbind(1):
        ahead = last - answer - step(equation, answer, interval)
        behind = answer - before
        apart = distance((ahead / unit).flatten(1), (behind / unit).flatten(1))
        margin = (apart.mean().detach() - apart).clamp(min=0)
        losses.append((similar * apart + (1 - similar) * margin).mean() / 2)
    return torch.stack(losses).mean()


def _check_changes(history: int, equation: Equation, store: str) -> None:
    """Raise unless there is a frame before the last one, and time between them."""
    if history < 2 or equation.source:
        raise ConfigError(
            f"The objective contrastive compares changes from frame to frame, and {store} has none "
            f"in a history of {history}.",
            remedy="Set --history 2 or more, leave out stores without time, or choose another "
            "objective.",
        )


def similarity(parameters: Float[Tensor, "b p"]) -> Float[Tensor, "b b"]:
    """√|θᵢ·θⱼ| / max(‖θᵢ‖, ‖θⱼ‖) of parameters relative to their root mean squares; 1 of zeros."""
    size = parameters.square().mean(0).sqrt()
    relative = parameters / torch.where(size > 0, size, 1.0)
    norm = relative.norm(dim=1)
    largest = torch.maximum(norm[:, None], norm)
    roots = (relative @ relative.T).abs().sqrt()
    return torch.where(largest > 0, roots / torch.where(largest > 0, largest, 1.0), 1.0)


def distance(ahead: Float[Tensor, "b n"], behind: Float[Tensor, "b n"]) -> Float[Tensor, "b b"]:
    """⟨(aᵢ + bⱼ)²⟩ of all pairs, without an array of all differences."""
    own, other = ahead.square().mean(1), behind.square().mean(1)
    cross = ahead @ behind.T / ahead.shape[1]
    return (own[:, None] + other + 2 * cross).clamp(min=0)
