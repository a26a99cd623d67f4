"""Values that are physically impossible, such as a negative density."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from matey_core.linting import CHECKS, Check, Finding, FrameBlock
from matey_core.store import Store


@dataclass
class _Worst:
    """How far one bound of one field is passed."""

    excess: float = 0.0
    value: float = 0.0
    sample: int = 0
    frame: int = 0
    cell: tuple[int, ...] = ()
    samples: set[int] = field(default_factory=set)


@CHECKS.register("bounds")
class Bounds(Check):
    """A field stays within its physical bounds, where it has any."""

    def start(self, store: Store) -> None:
        """Forget the last store."""
        super().start(store)
        self._worst: dict[tuple[str, bool], _Worst] = {}

    def see(self, block: FrameBlock) -> None:
        """Compare the extremes of each frame with the bounds."""
        low, high = block.field.bounds
        # A bound that is no round number in the stored type is met by rounding.
        if low is not None:
            self._compare(block, low - block.summary.low, abs(low), low=True)
        if high is not None:
            self._compare(block, block.summary.high - high, abs(high), low=False)

    def _compare(self, block: FrameBlock, excess: np.ndarray, bound: float, *, low: bool) -> None:
        if not (excess > 0).any() or not (excess > block.precision * bound).any():
            return
        worst = self._worst.setdefault((block.field.name, low), _Worst())
        worst.samples.add(block.sample)
        index = int(excess.argmax())
        if excess[index] <= worst.excess:
            return
        frame = block.values[index]
        place = np.nanargmin(frame) if low else np.nanargmax(frame)
        worst.excess = float(excess[index])
        worst.sample, worst.frame = block.sample, block.start + index
        worst.cell = tuple(int(i) for i in np.unravel_index(place, frame.shape))
        worst.value = float(frame[worst.cell])

    def findings(self) -> Iterator[Finding]:
        """Tell each bound that is passed, with the worst place."""
        fields = (*self.store.spec.fields, *self.store.static_fields)
        bounds = {field.name: field.bounds for field in fields}
        for (name, is_low), worst in self._worst.items():
            bound = bounds[name][0 if is_low else 1]
            yield Finding(
                severity="error",
                field=name,
                **self.at(worst.sample),
                frame=worst.frame,
                cell=worst.cell,
                count=len(worst.samples),
                found=f"{worst.value:.6g}",
                expected=f"{'≥' if is_low else '≤'} {bound:g}",
                remedy="Remove these samples from the source; or, if the field is a deviation "
                "from a background, give it a name that says so.",
            )
