"""Numbers, sizes and times as people read them."""

import math

_PREFIXES = ("", "k", "M", "G", "T", "P")


def number(value: float, *, digits: int = 4) -> str:
    """Write a number with `digits` significant digits and a point only where it has a fraction."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if not math.isfinite(value):
        return str(value)
    if value and not 1e-4 <= abs(value) < 1e6:
        return f"{value:.{digits - 1}e}"
    decimals = digits - 1 - math.floor(math.log10(abs(value))) if value else 0
    return f"{value:,.{max(decimals, 0)}f}"


def short(value: float | None, digits: int = 3) -> str:
    """Write a number with so many significant digits; a dash for None and NaN."""
    if value is None or math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    return number(value, digits=digits)


def size(num_bytes: float) -> str:
    """Write a number of bytes, such as 41.5 MB."""
    power = 0
    while abs(num_bytes) >= 1000 and power < len(_PREFIXES) - 1:
        num_bytes, power = num_bytes / 1000, power + 1
    return f"{num_bytes:.{0 if power == 0 else 1}f} {_PREFIXES[power]}B"


def counted(value: float, word: str) -> str:
    """Write a number of things, such as "1 minute" or "2,000 steps"."""
    written = f"{value:,}" if isinstance(value, int) else f"{value:g}"
    return f"{written} {word}{'' if value == 1 else 's'}"


def duration(seconds: float) -> str:
    """Write a time span, such as 8.3 ms, 12.1 s, 3 min 05 s or 2 h 10 min."""
    if abs(seconds) < 1:
        return f"{number(1e3 * seconds, digits=3)} ms" if seconds else "0 s"
    if seconds < 60:
        return f"{number(float(seconds), digits=3)} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"
