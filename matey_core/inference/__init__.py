"""Using a trained model: roll it out, evaluate it beside persistence, keep the states."""

from matey_core.inference.archive import Coordinate, StateWriter
from matey_core.inference.evaluate import Score, Tally, evaluate, mean_scores
from matey_core.inference.missing import fill_missing
from matey_core.inference.rollout import rollout

__all__ = [
    "Coordinate",
    "Score",
    "StateWriter",
    "Tally",
    "evaluate",
    "fill_missing",
    "mean_scores",
    "rollout",
]
