"""From stores to batches: windows of trajectories, mixtures of stores, readers ahead."""

from matey_core.data.change import mean_change
from matey_core.data.given import given_of, mask_of, measure_given
from matey_core.data.loader import Loader
from matey_core.data.mixture import Mixture
from matey_core.data.ranges import FieldRange, Ranges, joined_ranges, measure_ranges
from matey_core.data.starts import Starts
from matey_core.data.windows import Leads, Windows, sequential_batches

__all__ = [
    "FieldRange",
    "Leads",
    "Loader",
    "Mixture",
    "Ranges",
    "Starts",
    "Windows",
    "given_of",
    "joined_ranges",
    "mask_of",
    "mean_change",
    "measure_given",
    "measure_ranges",
    "sequential_batches",
]
