"""The linear rise that schedules begin with."""

LOWEST = 0.01
"""Where a warm-up starts and a cosine ends, as a fraction of the largest rate."""


def risen(step: int, warmup: int) -> float:
    """Fraction of the largest rate while it rises over `warmup` steps from 1 % to 100 %.

    Args:
        step: optimizer steps taken; from `warmup` on the fraction is 1.
        warmup: steps of the rise.
    """
    return LOWEST + (1 - LOWEST) * step / warmup if step < warmup else 1.0
