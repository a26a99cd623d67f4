"""Solves a batch of samples and writes it into the folder of parts."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from matey_core.simulators import PRECISIONS, Precision, Sample, Simulator, SimulatorConfig
from matey_core.simulators._guard import Guard
from matey_core.simulators._integrate import collate
from matey_core.simulators._memory import keep_memory
from matey_core.workflows.simulate.parts import Part, Parts


class Solver:
    """One equation with its settings, on one device."""

    def __init__(
        self,
        settings: SimulatorConfig,
        parts: Path,
        *,
        dtype: Precision = "float32",
        device: str = "cpu",
        compiled: bool = False,
    ) -> None:
        """Get ready.

        Args:
            settings: of the simulator.
            parts: name that the folder of parts belongs to.
            dtype: of the arithmetic.
            device: where to compute.
            compiled: fuse steps with torch.compile.
        """
        keep_memory()
        self.simulator = settings.build()
        self.num_frames = self.simulator.num_frames
        self._parts = Parts(parts)
        self._dtype = PRECISIONS[dtype]
        self._device = device
        if compiled:
            self.simulator.compile()

    def solve(self, seeds: Sequence[int], on_frame: Callable[[], None]) -> list[Part]:
        """Step some samples together, and keep what is whole.

        Args:
            seeds: of the samples.
            on_frame: called after each frame; an exception from it stops the work.
        """
        simulator = self.simulator
        samples = [draw(simulator, seed) for seed in seeds]
        batch = collate(samples, self._dtype, self._device)
        guard = Guard(simulator, batch)
        shape = (self.num_frames, len(simulator.spec.fields), *simulator.spec.grid.shape)
        with self._parts.recording(seeds, shape) as recording:
            for states in simulator.frames(batch):
                observed = simulator.observe(states, batch)
                guard.see(states, observed)
                recording.add(observed.float().cpu().numpy())
                on_frame()
        return [
            self._parts.keep(seed, sample, fault)
            for seed, sample, fault in zip(seeds, samples, guard.faults(), strict=True)
        ]


def draw(simulator: Simulator, seed: int) -> Sample:
    """Draw the sample of a seed."""
    return simulator.sample(np.random.RandomState(seed))
