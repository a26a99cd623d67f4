"""Finished trajectories beside the file in the making, so that nothing is computed twice."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from jaxtyping import Float

from matey_core.conversion.folder import Folder, remove_folder
from matey_core.files import read_json
from matey_core.simulators import Sample
from matey_core.workflows.simulate.trajectory import Trajectory

PLAN = "plan.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What is known of a sample that is done."""

    seed: int
    parameters: dict[str, float] = field(default_factory=dict)
    fault: str = ""
    """Why the solution is not kept; empty if it is."""


class Parts:
    """The folder `NAME.partial`: for each seed its values and, written last, its facts.

    A kill at any moment leaves only whole trajectories behind, and some temporary files that
    the next call removes.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._place = Folder(path)
        self.folder = self._place.partial
        self.done: dict[int, Part] = {}

    @contextmanager
    def opened(self, plan: Mapping[str, Any]) -> Iterator["Parts"]:
        """Take up what an earlier call with the same plan has finished, and drop all else.

        Raises:
            RunError: another process is at it.
        """
        with self._place.locked():
            text = json.dumps(plan, sort_keys=True)
            if self._place.noted(PLAN) != text:
                for path in self.folder.iterdir():
                    if path.name != "lock":
                        remove_folder(path) if path.is_dir() else path.unlink()
                self._place.note(PLAN, text)
            for path in self.folder.glob("*.new"):
                path.unlink()
            for path in self.folder.glob("[0-9]*.json"):
                try:
                    part = Part(**read_json(path))
                except (OSError, ValueError, TypeError):  # damaged: it is computed again
                    continue
                self.done[part.seed] = part
            try:
                yield self
            finally:
                if not any(not part.fault for part in self.done.values()):
                    self.clear()

    def clear(self) -> None:
        """Remove the folder."""
        remove_folder(self.folder)

    @contextmanager
    def recording(self, seeds: Sequence[int], shape: tuple[int, ...]) -> Iterator["Recording"]:
        """Take the frames of trajectories that are computed side by side.

        Args:
            seeds: theirs.
            shape: (t, c, *space) of each.
        """
        with ExitStack() as stack:
            files = []
            for seed in seeds:
                file = stack.enter_context(self._values(seed, ".new").open("wb"))
                np.lib.format.write_array_header_1_0(
                    file, {"descr": "<f4", "fortran_order": False, "shape": shape}
                )
                files.append(file)
            yield Recording(files)

    def keep(self, seed: int, sample: Sample, fault: str) -> Part:
        """Give a recorded trajectory its name, or drop it where there is a fault."""
        values = self._values(seed, ".new")
        if fault:
            values.unlink()
        else:
            if sample.static is not None:
                np.save(self._static(seed), sample.static.numpy().astype("<f4"))
            values.rename(self._values(seed))
        part = Part(seed=seed, parameters=dict(sample.parameters), fault=fault)
        self._place.note(f"{seed}.json", json.dumps(asdict(part)))
        return part

    def note(self, found: Iterable[Part]) -> None:
        """Count as done what was kept, here or by another process."""
        self.done.update((part.seed, part) for part in found)

    def trajectories(self, seeds: Sequence[int]) -> list[Trajectory]:
        """Those that are kept, in order; values are read from the disk when they are used."""
        kept = [self.done[seed] for seed in seeds if not self.done[seed].fault]
        return [
            Trajectory(
                seed=part.seed,
                parameters=part.parameters,
                values=np.load(self._values(part.seed), mmap_mode="r"),
                static=np.load(self._static(part.seed))
                if self._static(part.seed).exists()
                else None,
            )
            for part in kept
        ]

    def _values(self, seed: int, suffix: str = "") -> Path:
        return self.folder / f"{seed}.npy{suffix}"

    def _static(self, seed: int) -> Path:
        return self.folder / f"{seed}-static.npy"


class Recording:
    """Files of trajectories that are computed side by side, written frame by frame."""

    def __init__(self, files: Sequence[BinaryIO]) -> None:
        self._files = files

    def add(self, frame: Float[np.ndarray, "b c *space"]) -> None:
        """Append one frame to each."""
        for file, values in zip(self._files, frame, strict=True):
            file.write(values.tobytes())
