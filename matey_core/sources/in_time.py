"""Several sources as one: the frames of all, one after another."""

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import accumulate
from pathlib import Path

import numpy as np
from jaxtyping import Shaped

from matey_core.errors import ConfigError
from matey_core.files import entries_of
from matey_core.sources import Source
from matey_core.sources.joined import check_alike, lean
from matey_core.sources.spacing import uniform

FEWEST = 3
"""So many files with a number each and a single time look like one trajectory."""


class InTime(Source):
    """Trajectories whose frames lie in several sources.

    Raises:
        DataError: the sources differ in more than their times, or times do not increase evenly.
    """

    def __init__(
        self, path: Path, sources: Sequence[Source], times: Shaped[np.ndarray, "time"]
    ) -> None:
        """Put sources together.

        Args:
            path: their folder.
            sources: in order of their times.
            times: of all frames.
        """
        first = sources[0].header
        for source in sources[1:]:
            check_alike(sources[0], source, same_times=False)
        headers = [source.header for source in sources]
        step = uniform(path, "the time", times, points=len(times))
        header = replace(
            first,
            spec=replace(first.spec, time_step=step),
            times=times,
            num_bytes=sum(header.num_bytes for header in headers),
            notes=tuple(dict.fromkeys(note for header in headers for note in header.notes)),
        )
        super().__init__(path, header)
        self.sources = tuple(lean(source, first) for source in sources)
        self.frames_together = max(source.frames_together for source in sources)
        self._ends = tuple(accumulate(len(header.times) for header in headers))

    @property
    def files(self) -> tuple[Path, ...]:
        """The files of all sources."""
        return tuple(file for source in self.sources for file in source.files)

    @property
    def frame_bytes(self) -> int:
        """Bytes that reading one frame takes."""
        return max(source.frame_bytes for source in self.sources)

    def read(self, sample: int, start: int, stop: int) -> Shaped[np.ndarray, "time c *space"]:
        """Read frames `start` to `stop` (exclusive) from the sources that have them."""
        frames = range(len(self.header.times))[start:stop]
        parts, frame = [], frames.start
        while frame < frames.stop:
            index = bisect_right(self._ends, frame)
            before = self._ends[index - 1] if index else 0
            last = min(self._ends[index], frames.stop)
            parts.append(self.sources[index].read(sample, frame - before, last - before))
            frame = last
        if not parts:
            return self.sources[0].read(sample, 0, 0)
        return np.concatenate(parts)

    def read_static(self, sample: int) -> Shaped[np.ndarray, "c *space"]:
        """Read the static fields of a sample from the first source."""
        return self.sources[0].read_static(sample)


def numbers_of(paths: Sequence[Path]) -> list[int] | None:
    """Return the number by which files are counted in their names; None if there is none."""
    found = [re.findall(r"\d+", path.stem) for path in paths]
    frames = {re.sub(r"\d+", "#", path.stem) for path in paths}
    if len(frames) > 1 or not found[0]:
        return None
    places = [place for place in range(len(found[0])) if len({row[place] for row in found}) > 1]
    if len(places) != 1:
        return None
    numbers = [int(row[places[0]]) for row in found]
    return numbers if len(set(numbers)) == len(numbers) else None


def by_number(paths: Sequence[Path]) -> tuple[list[Path], list[int]]:
    """Sort files by the number in their names, so that `step_10` comes after `step_9`.

    Raises:
        ConfigError: their names do not count them.
    """
    numbers = numbers_of(paths)
    if numbers is None:
        raise ConfigError(
            f"{paths[0].parent}: the files have no times, and their names "
            f"({', '.join(path.name for path in paths[:3])}, …) have not one number each.",
            remedy="Number the files in the order of their times, as step_0001, step_0002.",
        )
    order = sorted(range(len(paths)), key=numbers.__getitem__)
    return [paths[index] for index in order], [numbers[index] for index in order]


def counted_times(
    sources: Sequence[Source], numbers: Sequence[int], step: float | None
) -> Shaped[np.ndarray, "time"]:
    """Times of frames that only the numbers of their files tell.

    Args:
        sources: sorted by number.
        numbers: of the sources. They are the times where each has a single one.
        step: time between frames, if a person says it.
    """
    counts = [len(source.header.times) for source in sources]
    if step is None and max(counts) == 1:
        return np.array(numbers, dtype=np.float64)
    longest = sources[counts.index(max(counts))]
    return (step or longest.header.spec.time_step) * np.arange(sum(counts), dtype=np.float64)


def look_like_steps(sources: Sequence[Source]) -> tuple[str, ...]:
    """Say that files may be the time steps of a trajectory, where they look like it."""
    is_single = all(len(source.header.times) == 1 for source in sources)
    if not is_single or len(sources) < FEWEST or not numbers_of([s.path for s in sources]):
        return ()
    return (
        f"{len(sources)} numbered files of one time each are taken for trajectories of one frame; "
        "--join time makes them the time steps of one, --join sample says that they are not",
    )


def runs_in(folder: Path, children: Callable[[Path], Sequence[Path]]) -> list[Path]:
    """List the folders in a folder that are its trajectories: with equally many files.

    Args:
        folder: has no files of the kind itself.
        children: lists the files of a folder.
    """
    if children(folder):
        return []
    inner = [path for path in entries_of(folder) if path.is_dir() and len(children(path)) > 1]
    return inner if len(inner) > 1 and len({len(children(path)) for path in inner}) == 1 else []
