"""What objectives share that know the equation of a store."""

from collections.abc import Collection

import numpy as np

from matey_core.batches import FieldBatch
from matey_core.data import Windows
from matey_core.equations import (
    EQUATIONS,
    Equation,
    KnownEquation,
    equation_of,
    known_equation,
)
from matey_core.errors import ConfigError


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
