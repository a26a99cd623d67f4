"""What a model costs: operations, time, memory, and where they go."""

from matey_core.profiling.alternate import alternate, in_turns, spread
from matey_core.profiling.budget import BudgetedTokens, BudgetSolver, quantity
from matey_core.profiling.flops import Flops, count_flops, count_forward, countable
from matey_core.profiling.machine import matmul_peak, peak_memory, reset_peak_memory
from matey_core.profiling.saved import saved_bytes
from matey_core.profiling.step import PARTS, StepMeasurement, TrainingStep, measure_step
from matey_core.profiling.synthetic import SyntheticBatches

__all__ = [
    "PARTS",
    "BudgetSolver",
    "BudgetedTokens",
    "Flops",
    "StepMeasurement",
    "SyntheticBatches",
    "TrainingStep",
    "alternate",
    "count_flops",
    "count_forward",
    "countable",
    "in_turns",
    "matmul_peak",
    "measure_step",
    "peak_memory",
    "quantity",
    "reset_peak_memory",
    "saved_bytes",
    "spread",
]
