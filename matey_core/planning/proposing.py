"""Settings with which a training fits into a memory: the cheapest change first."""

from collections.abc import Iterator
from typing import Any

from matey_core.errors import ConfigError, ShapeError
from matey_core.models import AdaptiveConfig
from matey_core.planning.laws import Line, largest_micro_batch
from matey_core.planning.probe import Probe, laws_of
from matey_core.planning.report import Proposal

DOUBLINGS = 2
"""How often patches are made twice as coarse before the search ends."""
MARGIN = 0.95
"""Share of the memory that a proposal fills at most, as laws are not exact."""


def proposal(
    probe: Probe,
    *,
    windows: int,
    micro_batch: int,
    limit: float,
    memory: Line,
    step: Line,
    model: AdaptiveConfig | None,
) -> Proposal | None:
    """Find micro-batches that fit; then with recomputing; then with coarser patches as well.

    Args:
        probe: measures what recomputing and other patches need.
        windows: of a step, on one device.
        micro_batch: windows at once, as the settings have it.
        limit: bytes.
        memory: law of the settings as they are.
        step: likewise, of seconds.
        model: settings of the model, where it cuts cells.

    Returns:
        None where nothing fits.
    """
    for options, laws in _candidates(probe, memory, step, model):
        found = largest_micro_batch(windows, laws[0], MARGIN * limit)
        if found is None:
            continue
        keeps = not options and found >= micro_batch
        at_once = micro_batch if keeps else found
        parts = windows // at_once
        accumulate = () if keeps or parts == 1 else (f"--accumulate {parts}",)
        return Proposal(
            options=(*accumulate, *options),
            micro_batch=at_once,
            memory=laws[0].at(at_once),
            step_seconds=parts * laws[1].at(at_once),
        )
    return None


def _candidates(
    probe: Probe, memory: Line, step: Line, model: AdaptiveConfig | None
) -> Iterator[tuple[tuple[str, ...], tuple[Line, Line]]]:
    """Options, and the laws of memory and seconds with them; measured when they are needed."""
    yield (), (memory, step)
    recompute = ("--set recompute=true",)
    if not probe.config.recompute:
        yield recompute, _laws(probe, recompute=True)
    for power in range(1, DOUBLINGS + 1) if model is not None else ():
        assert model is not None
        patch = tuple(2**power * size for size in model.tokenization.patch)
        tokenizer = model.tokenization.model_copy(update={"patch": patch})
        try:
            laws = _laws(probe, recompute=True, model=model.with_tokenizer(tokenizer))
        except (ConfigError, ShapeError):  # a grid is too small for it, or a budget too large
            return
        sizes = ",".join(map(str, patch))
        yield (*recompute, f"--set model.tokenizer.patch=[{sizes}]"), laws


def _laws(probe: Probe, **changes: Any) -> tuple[Line, Line]:
    return laws_of(*(probe.measure(windows, **changes) for windows in (1, 2)))
