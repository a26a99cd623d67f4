"""From stores to batches: windows of trajectories, mixtures of stores, readers ahead."""

from matey_core.data.change import mean_change
from matey_core.data.loader import Loader
from matey_core.data.mixture import Mixture
from matey_core.data.windows import Windows, sequential_batches

__all__ = ["Loader", "Mixture", "Windows", "mean_change", "sequential_batches"]
