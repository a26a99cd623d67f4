"""NaN and infinity, unless the store declares missing values."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from matey_core.linting import CHECKS, Check, Finding, FrameBlock
from matey_core.store import Store

SOURCE = "Repair or remove the sample in the source, then `matey prepare --overwrite`."


@dataclass
class _Tally:
    """One kind of value that is not finite, in one field."""

    values: int = 0
    samples: set[int] = field(default_factory=set)
    frame: int = 0
    cell: tuple[int, ...] = ()

    def add(self, block: FrameBlock, counts: np.ndarray, *, is_nan: bool) -> None:
        """Take in the counts of each frame."""
        if not counts.any():
            return
        if not self.values:
            index = int(np.flatnonzero(counts)[0])
            frame = block.values[index]
            bad = np.isnan(frame) if is_nan else np.isinf(frame)
            self.frame = block.start + index
            self.cell = tuple(int(i) for i in np.unravel_index(bad.argmax(), frame.shape))
        self.values += int(counts.sum())
        self.samples.add(block.sample)


@CHECKS.register("finite")
class Finite(Check):
    """Every value is a number; NaN stands for missing values and solid cells only."""

    def start(self, store: Store) -> None:
        """Forget the last store."""
        super().start(store)
        self._nan: dict[str, _Tally] = {}
        self._inf: dict[str, _Tally] = {}
        self._seen: dict[str, int] = {}

    def see(self, block: FrameBlock) -> None:
        """Count what is not finite."""
        name = block.field.name
        self._seen[name] = self._seen.get(name, 0) + block.values.size
        self._nan.setdefault(name, _Tally()).add(block, block.summary.num_nan, is_nan=True)
        self._inf.setdefault(name, _Tally()).add(block, block.summary.num_inf, is_nan=False)

    def findings(self) -> Iterator[Finding]:
        """Tell each field's NaN and infinities, with the first place."""
        for name, tally in self._inf.items():
            if tally.values:
                yield self._error(name, tally, f"{tally.values:,} infinite values", "none")
        for name, tally in self._nan.items():
            declared = self.store.missing.get(name, 0)
            share = f"{tally.values:,} NaN ({100 * tally.values / self._seen[name]:.3g} %)"
            if tally.values > declared:
                expected = f"{declared:,}, as the store declares" if declared else "none"
                yield self._error(name, tally, share, expected)
            elif tally.values:
                yield Finding(
                    severity="note",
                    field=name,
                    count=len(tally.samples),
                    found=share,
                    expected="declared as missing",
                    remedy="Nothing: training and metrics leave these cells out.",
                )

    def _error(self, name: str, tally: _Tally, found: str, expected: str) -> Finding:
        return Finding(
            severity="error",
            field=name,
            **self.at(min(tally.samples)),
            frame=tally.frame,
            cell=tally.cell,
            count=len(tally.samples),
            found=found,
            expected=expected,
            remedy=SOURCE,
        )
