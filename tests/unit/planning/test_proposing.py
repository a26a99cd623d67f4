"""A training that is too large for a memory gets the cheapest change with which it fits."""

from types import SimpleNamespace
from typing import Any

import pytest

from matey_core.models import MODELS, AdaptiveConfig
from matey_core.planning.laws import Line
from matey_core.planning.probe import ProbePoint
from matey_core.planning.proposing import MARGIN, proposal

WINDOWS, MICRO_BATCH = 16, 8
MATEY = MODELS["matey"].tiny()


class Probe:
    """Says 1 + b·m bytes for m windows; b is 10, 4 with recomputing, less with coarser patches."""

    config = SimpleNamespace(recompute=False)

    def measure(
        self, windows: int, *, recompute: bool = False, model: AdaptiveConfig | None = None
    ) -> ProbePoint:
        slope = 4 if recompute else 10
        if model is not None:
            slope /= max(model.tokenization.patch) / max(MATEY.tokenization.patch)
        seconds = windows * (1.5 if recompute else 1.0)
        return ProbePoint(windows=windows, step_seconds=seconds, memory=1 + int(slope * windows))


@pytest.mark.parametrize(
    ("memory", "options", "micro_batch", "seconds"),
    [
        (81, (), 8, 16.0),
        (80, ("--accumulate 4",), 4, 16.0),
        (11, ("--accumulate 16",), 1, 16.0),
        (10, ("--accumulate 8", "--set recompute=true"), 2, 24.0),
        (4, ("--accumulate 16", "--set recompute=true", "patch"), 1, 24.0),
        (1, None, 0, 0.0),
    ],
)
def test_the_first_change_that_is_enough_is_proposed(
    memory: int, options: tuple[str, ...] | None, micro_batch: int, seconds: float
) -> None:
    assert isinstance(MATEY, AdaptiveConfig)
    probe: Any = Probe()
    found = proposal(
        probe,
        windows=WINDOWS,
        micro_batch=MICRO_BATCH,
        limit=memory / MARGIN,
        memory=Line(offset=1.0, slope=10.0),
        step=Line(offset=0.0, slope=1.0),
        model=MATEY,
    )
    if options is None:
        assert found is None
        return
    assert found is not None
    said = [option if "patch" not in option else "patch" for option in found.options]
    assert tuple(said) == options
    assert (found.micro_batch, found.step_seconds) == (micro_batch, pytest.approx(seconds))
    assert found.memory <= memory
