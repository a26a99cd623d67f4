"""From stores to batches: windows of trajectories and mixtures of stores."""

from matey_core.data.mixture import Mixture
from matey_core.data.windows import Windows, sequential_batches

__all__ = ["Mixture", "Windows", "sequential_batches"]
