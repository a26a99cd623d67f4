"""Words and numbers as sentences and tables of studies have them."""

import math
from collections.abc import Iterator, Mapping, Sequence

from matey_core.cells import Scalar
from matey_core.studies.comparison import Comparison
from matey_core.studies.paths import STAGES
from matey_core.studies.statistics import Interval

NAMES = {
    "nrmse": "one-step nRMSE",
    "vrmse": "one-step VRMSE",
    "rollout": "nRMSE of the rollout",
    "last": "nRMSE of the last frame",
}


def place(at: Mapping[str, Scalar]) -> str:
    """As a sentence ends that says where; empty where there are no axes."""
    found = [_named(axis, value) for axis, value in at.items() if axis != "equal"]
    return f" at {', '.join(found)}" if found else ""


def heading(at: Mapping[str, Scalar], otherwise: str = "") -> str:
    """The same as a heading."""
    return place(at).removeprefix(" at ") or otherwise


def title(comparison: Comparison) -> str:
    """What a comparison is of, and at what budget."""
    amount = f"{comparison.amount:g} {'s' if comparison.equal == 'seconds' else 'steps'}"
    return f"{heading(comparison.at, 'all arms')}, equal {comparison.equal}: {amount}"


def _named(axis: str, value: Scalar) -> str:
    """An axis and its value; a folder of data is called by its last name."""
    for stage in STAGES:
        axis = axis.removeprefix(f"{stage}.")
    if axis == "data":
        return str(value).rstrip("/").rpartition("/")[2].removesuffix(".zarr")
    return f"{axis} {value}"


def interval(found: Interval) -> str:
    """A median, and its interval where there are several seeds."""
    if len(found.values) == 1:
        return number(found.median)
    return f"{number(found.median)} ({number(found.low)}–{number(found.high)})"


def number(value: float) -> str:
    """Three digits."""
    return f"{value:.3g}" if math.isfinite(value) else "∞"


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Lines of a table: the first column to the left, the others to the right."""
    yield f"| {' | '.join(columns)} |"
    yield f"|{'|'.join('---' if not index else '---:' for index in range(len(columns)))}|"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""
