"""Which solutions may not be written: not finite, or not keeping what the equations keep."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from matey_core.simulators import Batch, Simulator


class Guard:
    """Watches a batch, frame by frame, without waiting for the device."""

    def __init__(self, simulator: Simulator, batch: Batch) -> None:
        self._simulator = simulator
        self._batch = batch
        self._max_drift = simulator.max_drift(batch.states.dtype)
        self._broken: Int[Tensor, " b"] | None = None
        self._frame = 0
        self._totals: dict[str, Float[Tensor, " b"]] = {}
        self._sizes: dict[str, Float[Tensor, " b"]] = {}
        self._drifts: dict[str, Float[Tensor, " b"]] = {}

    def see(
        self, states: Float[Tensor, "b k *points"], observed: Float[Tensor, "b c *space"]
    ) -> None:
        """Look at the next frame.

        Args:
            states: what the solver steps.
            observed: what is stored of it.
        """
        finite = _all_finite(states) & _all_finite(observed)
        frame = torch.where(finite, torch.iinfo(torch.int64).max, self._frame)
        self._broken = frame if self._broken is None else torch.minimum(self._broken, frame)
        for name, density in self._simulator.densities(states, self._batch).items():
            values = density.double().flatten(1)
            total, size = values.sum(1), values.abs().sum(1)
            start = self._totals.setdefault(name, total)
            # A momentum that starts from zero is measured by what it becomes.
            size = self._sizes[name] = torch.maximum(size, self._sizes.get(name, size))
            drift = (total - start).abs()
            self._drifts[name] = torch.maximum(drift, self._drifts.get(name, drift))
        self._frame += 1

    def faults(self) -> list[str]:
        """Say what is wrong with each solution; empty where nothing is."""
        assert self._broken is not None
        found = [
            "" if frame >= self._frame else f"not finite in frame {frame}"
            for frame in self._broken.tolist()
        ]
        for name, drift in self._drifts.items():
            relative = (drift / self._sizes[name].clamp(min=1e-300)).tolist()
            for index, share in enumerate(relative):
                if not found[index] and not share <= self._max_drift:
                    found[index] = (
                        f"{name} is not conserved: it drifts by {share:.1e}, "
                        f"and rounding explains {self._max_drift:.0e}"
                    )
        return found


def _all_finite(values: Float[Tensor, "b *any"]) -> Bool[Tensor, " b"]:
    return values.isfinite().flatten(1).all(1)
