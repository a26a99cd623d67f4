"""Equations that are known, differentiable in torch: the door of the family."""

from matey_core.equations._base import EQUATIONS, Constants, Equation
from matey_core.equations._fitting import KnownEquation, equation_of, find_equation, known_equation
from matey_core.equations._in_time import imbalance, step
from matey_core.equations._spectral import Symbol, Wavenumbers, diffusion, filtered, waves
from matey_core.equations._without_time import solution

__all__ = [
    "EQUATIONS",
    "Constants",
    "Equation",
    "KnownEquation",
    "Symbol",
    "Wavenumbers",
    "diffusion",
    "equation_of",
    "filtered",
    "find_equation",
    "imbalance",
    "known_equation",
    "solution",
    "step",
    "waves",
]
