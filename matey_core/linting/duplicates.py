"""Copies of one trajectory, in one split or, worse, in two."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from matey_core.linting import CHECKS, Check, Finding, FrameBlock, Severity
from matey_core.store import SPLITS, Store

Digest = bytes


@dataclass(slots=True)
class _Trajectory:
    """Where a trajectory is, and hashes of where it starts and ends."""

    store: str
    sample: str
    split: int
    start: Digest
    """Of the first frame and the static fields, with the names of the fields."""
    end: Digest

    @property
    def course(self) -> tuple[Digest, Digest]:
        """What copies have in common."""
        return self.start, self.end


@CHECKS.register("duplicates")
class Duplicates(Check):
    """No trajectory is there twice, in a store or in the stores looked at before it.

    Equal starts (initial state and static fields) make a copy if the last frames are equal as
    well. Otherwise other parameters make the runs differ: told where splits differ, as a note.
    """

    def __init__(self) -> None:
        # The first trajectory of each split; others with the same key add nothing.
        self._starts: dict[Digest, dict[int, _Trajectory]] = defaultdict(dict)
        self._courses: dict[tuple[Digest, Digest], dict[int, _Trajectory]] = defaultdict(dict)

    def start(self, store: Store) -> None:
        """Begin with a store; those before it stay known."""
        super().start(store)
        self._hashes: dict[int, tuple["hashlib._Hash", "hashlib._Hash"]] = {}
        self._parts: Counter[int] = Counter()

    def see(self, block: FrameBlock) -> None:
        """Hash the first frame, the last one and static fields."""
        last = self.store.num_frames - 1 - block.start
        has_last = not block.is_static and last < len(block.values)
        if block.start and not has_last:
            return
        hashes = self._hashes.setdefault(block.sample, (hashlib.sha256(), hashlib.sha256()))
        if block.start == 0:
            _add(hashes[0], block.field.name, block.values[0])
            self._parts[block.sample] += 1
        if has_last:
            _add(hashes[1], block.field.name, block.values[last])
            self._parts[block.sample] += 1

    def findings(self) -> Iterator[Finding]:
        """Compare all starts."""
        needed = 2 * len(self.store.spec.fields) + len(self.store.static_fields)
        here = [
            _Trajectory(
                store=self.store.name,
                sample=self.store.sample_names[sample],
                split=int(self.store.split[sample]),
                start=start.digest(),
                end=end.digest(),
            )
            for sample, (start, end) in self._hashes.items()
            if self._parts[sample] == needed
        ]
        self._hashes.clear()
        for each in here:
            self._starts[each.start].setdefault(each.split, each)
            self._courses[each.course].setdefault(each.split, each)
        yield from self._across_splits(here)
        yield from self._repeated(here)

    def _across_splits(self, here: list[_Trajectory]) -> Iterator[Finding]:
        """Tell samples whose start is in another split as well, here or in an earlier store."""
        leaks: list[tuple[_Trajectory, _Trajectory]] = []
        starts: list[tuple[_Trajectory, _Trajectory]] = []
        for each in here:
            if copy := _elsewhere(self._courses[each.course], each):
                leaks.append((each, copy))
            elif other := _elsewhere(self._starts[each.start], each):
                starts.append((each, other))
        if leaks:
            yield self._pair(
                "error",
                leaks,
                "is the same trajectory as",
                "trajectories of one split only",
                "Prepare again with --overwrite, which keeps copies on one side of the split; "
                "across stores, leave one of the two out.",
            )
        if starts:
            yield self._pair(
                "note",
                starts,
                "has the same start and another course than",
                "starts of one split only",
                "Nothing, if a parameter makes the difference; else scores of the other split "
                "are too good.",
            )

    def _pair(
        self,
        severity: Severity,
        pairs: list[tuple[_Trajectory, _Trajectory]],
        relation: str,
        expected: str,
        remedy: str,
    ) -> Finding:
        each, other = pairs[0]
        place = "" if other.store == each.store else f" of {other.store}"
        return Finding(
            severity=severity,
            sample=each.sample,
            split=SPLITS[each.split],
            count=len(pairs),
            found=f"{relation} sample {other.sample} ({SPLITS[other.split]}){place}",
            expected=expected,
            remedy=remedy,
        )

    def _repeated(self, here: list[_Trajectory]) -> Iterator[Finding]:
        """Tell how many trajectories of the store are there for the first time."""
        originals = [next(iter(self._courses[each.course].values())) for each in here]
        repeated = [pair for pair in zip(here, originals, strict=True) if pair[0] is not pair[1]]
        if repeated:
            each, original = repeated[0]
            place = "" if original.store == each.store else f" of {original.store}"
            yield Finding(
                severity="warning",
                sample=each.sample,
                split=SPLITS[each.split],
                count=len(repeated),
                found=f"{len(here) - len(repeated):,} distinct of {len(here):,} trajectories; "
                f"this one is a copy of sample {original.sample}{place}",
                expected="each trajectory once",
                remedy="Count the distinct ones when you say how much data a model saw.",
            )


def _elsewhere(by_split: dict[int, _Trajectory], one: _Trajectory) -> _Trajectory | None:
    return next((other for split, other in by_split.items() if split != one.split), None)


def _add(digest: "hashlib._Hash", name: str, frame: np.ndarray) -> None:
    digest.update(f"{name} {frame.dtype.str} {frame.shape}".encode())
    digest.update(np.ascontiguousarray(frame).data)
