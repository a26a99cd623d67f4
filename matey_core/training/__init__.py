"""Optimization: the loop, its state, what is saved, how it is resumed."""

from matey_core.training.average import WeightAverage
from matey_core.training.checkpoint import CheckpointFolder, Progressed, load_checkpoint
from matey_core.training.loop import AfterStep, Within, check_finite, ignore_report, train
from matey_core.training.outcomes import DivergenceError, Limits, Record, StepReport
from matey_core.training.precision import Parity, Precision, choose_precision, measure_parity
from matey_core.training.ranges import read_ranges, write_ranges
from matey_core.training.state import TrainState
from matey_core.training.time_budget import POSITIONS, TimeBudget

__all__ = [
    "POSITIONS",
    "AfterStep",
    "CheckpointFolder",
    "DivergenceError",
    "Limits",
    "Parity",
    "Precision",
    "Progressed",
    "Record",
    "StepReport",
    "TimeBudget",
    "TrainState",
    "WeightAverage",
    "Within",
    "check_finite",
    "choose_precision",
    "ignore_report",
    "load_checkpoint",
    "measure_parity",
    "read_ranges",
    "train",
    "write_ranges",
]
