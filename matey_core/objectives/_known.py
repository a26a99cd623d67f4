"""What objectives share that know the equation of a store."""

from abc import abstractmethod
from collections.abc import Collection, Sequence

import numpy as np
from jaxtyping import Float
from pydantic import NonNegativeFloat, PositiveFloat, PrivateAttr
from torch import Tensor

from matey_core.batches import FieldBatch, Prediction
from matey_core.data import Windows
from matey_core.equations import (
    EQUATIONS,
    Equation,
    KnownEquation,
    equation_of,
    known_equation,
)
from matey_core.errors import ConfigError
from matey_core.losses import Loss, LossFunction
from matey_core.objectives import (
    Objective,
    ObjectiveConfig,
    ObjectiveValue,
    Predict,
    with_side_loss,
)


class KnownEquationConfig(ObjectiveConfig):
    """Settings of an objective that knows the equation, and of the loss beside it."""

    weight: PositiveFloat = 1.0
    """What the equation counts."""
    supervised: NonNegativeFloat = 1.0
    """What the loss counts beside it; at 0, targets are not used at all."""
    equation: str | None = None
    """Name of the equation; by default, of each store, what fits its fields, axes and constants."""

    _known: tuple[str, ...] | None = PrivateAttr(default=None)

    @property
    def reads(self) -> tuple[str, ...]:
        """The constants of the equation, or those of any that stores have."""
        return parameters_of(self.equation, among=self._known)

    def knowing(self, parameters: Sequence[str]) -> ObjectiveConfig:
        """Read no constants that no store has."""
        completed = self.model_copy()
        completed._known = tuple(parameters)
        return completed

    def check(self, windows: Windows) -> None:
        """Raise unless the store's equation is known, and all its constants are."""
        check_store(windows, self.equation)

    @abstractmethod
    def missed(
        self, prediction: Prediction, batch: FieldBatch, loss: LossFunction
    ) -> Float[Tensor, ""]:
        """By how much an answer misses the equation.

        Args:
            prediction: the answer.
            batch: with the constants of the equation.
            loss: of states.
        """

    def build(self, loss: LossFunction) -> Objective:
        """Make the objective for a loss; `part` is what the equation's share is reported as."""

        def known_equation_objective(predict: Predict, batch: FieldBatch) -> ObjectiveValue:
            prediction = predict(batch)
            missed = self.missed(prediction, batch, loss)
            total, parts = self.weight * missed, {self.part: missed.detach()}
            if self.supervised > 0:
                value = loss(prediction, batch)
                total, parts = total + self.supervised * value.total, {**value.parts, **parts}
            return ObjectiveValue(
                total=with_side_loss(total, prediction),
                loss=Loss(total=total, parts=parts),
                prediction=prediction,
            )

        return known_equation_objective


def parameters_of(equation: str | None, *, among: Collection[str] | None = None) -> tuple[str, ...]:
    """Names of what has to be known of a trajectory.

    Args:
        equation: its name; None for any equation.
        among: names that there are; None where that is not known yet.
    """
    names = EQUATIONS.names() if equation is None else (equation,)
    needed = dict.fromkeys(each for name in names for each in EQUATIONS[name].parameters)
    return tuple(each for each in needed if among is None or each in among)


def check_store(windows: Windows, name: str | None) -> Equation:
    """Find the equation of a store, with a constant for every trajectory and no cell missing.

    Args:
        windows: of the store.
        name: of the equation; None for the one that fits.

    Raises:
        ConfigError: none fits, or something is not known.
    """
    store = windows.store
    equation = equation_of(store.spec, {*store.parameters, *store.given}, name)
    if any(store.missing[field] for field in store.spec.names):
        raise _missing_cells(store.name, equation)
    for each in equation.parameters:
        if np.isnan(store.parameters[each][list(windows.samples)]).any():
            raise ConfigError(
                f"{store.name} has trajectories without {each}, which the equation {equation.name} "
                "needs.",
                remedy="Choose another objective, or leave this store out.",
            )
    return equation


def equation_for(batch: FieldBatch, name: str | None) -> KnownEquation:
    """Find the equation of a batch, with its constants.

    Args:
        batch: with what is known of it in `given`.
        name: of the equation; None for the one that fits.

    Raises:
        ConfigError: none fits, or cells are solid or missing.
    """
    equation = known_equation(batch.spec, batch.given, name)
    if batch.valid is not None:
        raise _missing_cells(batch.spec.dataset, equation.equation)
    return equation


def _missing_cells(store: str, equation: Equation) -> ConfigError:
    return ConfigError(
        f"{store} has solid or missing cells, next to which the equation {equation.name} is not "
        "known.",
        remedy="Choose another objective, or leave this store out.",
    )
