"""What a model costs: operations, time, memory, and where they go."""

from matey_core.profiling.flops import Flops, count_flops
from matey_core.profiling.machine import matmul_peak, peak_memory, reset_peak_memory
from matey_core.profiling.step import PARTS, StepMeasurement, TrainingStep, measure_step
from matey_core.profiling.synthetic import SyntheticBatches

__all__ = [
    "PARTS",
    "Flops",
    "StepMeasurement",
    "SyntheticBatches",
    "TrainingStep",
    "count_flops",
    "matmul_peak",
    "measure_step",
    "peak_memory",
    "reset_peak_memory",
]
