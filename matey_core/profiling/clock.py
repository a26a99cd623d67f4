"""Which part the time goes to: one clock that always runs for exactly one part."""

import time
from collections import defaultdict

import torch


class PartClock:
    """Adds up the time between switches, by the part that was on.

    On a GPU the switches are events on the current stream, so that nothing waits;
    a part's time then holds whatever the stream did meanwhile.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.part = OTHER
        self._marks: list[tuple[str, float | torch.cuda.Event]] = []

    def switch(self, part: str) -> str:
        """Let time count for `part` from now on, and return the part until now."""
        before, self.part = self.part, part
        self._marks.append((part, self._now()))
        return before

    def seconds(self) -> dict[str, float]:
        """Seconds of every part since the first switch; the last switch ends the count."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        totals: defaultdict[str, float] = defaultdict(float)
        for (part, start), (_, end) in zip(self._marks, self._marks[1:], strict=False):
            totals[part] += _between(start, end)
        return dict(totals)

    def _now(self) -> float | torch.cuda.Event:
        if self.device.type != "cuda":
            return time.perf_counter()
        event = torch.cuda.Event(enable_timing=True)
        event.record()
        return event


OTHER = "other"


def _between(start: float | torch.cuda.Event, end: float | torch.cuda.Event) -> float:
    if isinstance(start, torch.cuda.Event) and isinstance(end, torch.cuda.Event):
        return start.elapsed_time(end) / 1e3
    assert isinstance(start, float)
    assert isinstance(end, float)
    return end - start
