"""Fields that never change: nothing can be learned from them."""

from collections.abc import Iterator

from matey_core.linting import CHECKS, Check, Finding, FrameBlock
from matey_core.store import Store


@CHECKS.register("constant")
class Constant(Check):
    """A field takes more than one value, in the store and in each sample."""

    def start(self, store: Store) -> None:
        """Forget the last store."""
        super().start(store)
        self._ranges: dict[str, dict[int, tuple[float, float]]] = {}

    def see(self, block: FrameBlock) -> None:
        """Widen the range of the field's sample."""
        ranges = self._ranges.setdefault(block.field.name, {})
        low, high = ranges.get(block.sample, (float("inf"), -float("inf")))
        summary = block.summary
        ranges[block.sample] = min(low, summary.low.min()), max(high, summary.high.max())

    def findings(self) -> Iterator[Finding]:
        """Tell fields constant everywhere, and those constant in single samples."""
        for name, ranges in self._ranges.items():
            low = min(low for low, _ in ranges.values())
            high = max(high for _, high in ranges.values())
            same = [sample for sample, (least, most) in ranges.items() if least == most]
            if low == high:
                yield Finding(
                    severity="warning",
                    field=name,
                    count=len(ranges),
                    found=f"{low:g} everywhere, in all {len(ranges):,} samples",
                    expected="more than one value",
                    remedy="Leave the field out when preparing: it tells a model nothing.",
                )
            elif same:
                yield Finding(
                    severity="note",
                    field=name,
                    **self.at(same[0]),
                    count=len(same),
                    found=f"one value in {len(same):,} of {len(ranges):,} samples",
                    expected="values that differ in space or time",
                    remedy="Check that these samples are meant to be uniform.",
                )
