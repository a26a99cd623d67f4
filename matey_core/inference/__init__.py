"""Using a trained model: roll it out, evaluate it beside persistence, keep the states."""

from matey_core.inference.archive import Coordinate, StateWriter
from matey_core.inference.artifacts import (
    Artifact,
    ArtifactTally,
    PatchPower,
    lasting,
    strongest,
)
from matey_core.inference.blend import FITTING, FirstFrame, blends_of, from_known, measure_blends
from matey_core.inference.blend_frames import ENOUGH_FRAMES, measure_frames
from matey_core.inference.evaluate import Score, Tally, evaluate, mean_scores
from matey_core.inference.limit import Limited, Limiter, first_limited
from matey_core.inference.missing import fill_missing
from matey_core.inference.rollout import rollout
from matey_core.inference.variation import CycleName, Variation, cycle_of

__all__ = [
    "ENOUGH_FRAMES",
    "FITTING",
    "Artifact",
    "ArtifactTally",
    "Coordinate",
    "CycleName",
    "FirstFrame",
    "Limited",
    "Limiter",
    "PatchPower",
    "Score",
    "StateWriter",
    "Tally",
    "Variation",
    "blends_of",
    "cycle_of",
    "evaluate",
    "fill_missing",
    "first_limited",
    "from_known",
    "lasting",
    "mean_scores",
    "measure_blends",
    "measure_frames",
    "rollout",
    "strongest",
]
