"""The answer satisfies the equation, as far as that is known: no data need to say what comes next.

With û at lead time h and the last frame u, the residual of u_t = Lu + N(u) is r = û − t with

t = e^{hL}u + ∫ e^{(h−s)L} N ds,

see `matey_core.equations`. Of an equation Lu = f without time it is r = L⁻¹(Lû − f), with t = L⁻¹f:
Lû − f itself weighs short waves by |k|², so that long ones are hardly learned. The loss is told r
as an error, and t as the target that it is relative to, through which no gradient passes. The
physics-informed loss of PINO (arXiv 2111.03794) differentiates in time between frames, which frames
that are far apart would not allow.

The store's parameters are known here, and the model is not told them. Which equation it is follows
from the names of fields, axes and parameters. Axes are periodic, and no cells are missing.
"""

from dataclasses import replace
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from matey_core.batches import FieldBatch, Prediction
from matey_core.equations import KnownEquation, imbalance, solution
from matey_core.losses import LossFunction
from matey_core.objectives import OBJECTIVES
from matey_core.objectives._known import KnownEquationConfig, equation_for


@OBJECTIVES.register("residual")
class ResidualConfig(KnownEquationConfig):
    """The loss of one call of the model, and by how much its answer misses the equation."""

    name: Literal["residual"] = "residual"

    def missed(
        self, prediction: Prediction, batch: FieldBatch, loss: LossFunction
    ) -> Float[Tensor, ""]:
        """The loss of the answer, with what the equation says as the target."""
        return loss(*_missed(prediction, batch, equation_for(batch, self.equation))).total


def _missed(
    prediction: Prediction, batch: FieldBatch, equation: KnownEquation
) -> tuple[Prediction, FieldBatch]:
    """What the answer is, and what the equation says that it should be, at each lead time."""
    answers = prediction.values.to(batch.history.dtype)
    if source := equation.equation.source:
        solved = solution(equation, batch.given[source][:, None]).unsqueeze(1)
        return prediction, replace(batch, targets=solved.expand_as(answers))
    errors = torch.stack(
        [
            imbalance(equation, batch.history[:, -1], answer, _interval(batch, lead))
            for lead, answer in enumerate(answers.unbind(1))
        ],
        1,
    )
    targets = (answers - errors).detach()
    return replace(prediction, values=targets + errors), replace(batch, targets=targets)


def _interval(batch: FieldBatch, lead: int) -> Tensor:
    """Time up to a target, shaped like the states."""
    steps = batch.lead_steps[:, lead].view(-1, *[1] * (batch.history.ndim - 2))
    return batch.spec.time_step * steps.to(batch.history.dtype)
