"""The best validation: every store and lead beside its best training-free forecast."""

from collections.abc import Sequence
from itertools import groupby

from matey_core.catalog import RunRecord
from matey_core.numbers import short
from matey_core.reports.html import Html, tag
from matey_core.runs.scores import StoreScore

FORECAST = "best forecast"
"""Head of the column that names a training-free forecast: the only one of text."""

FULL = 2.0
"""Ratio that fills a bar."""


def scores(run: RunRecord) -> Html | None:
    """Write the table; None without a validation."""
    if not run.scores:
        return None
    groups = groupby(sorted(run.scores, key=lambda score: score.store), key=lambda each: each.store)
    rows = [row for store, group in groups for row in _rows(store, list(group))]
    heads = ("lead", "nRMSE", FORECAST, "its nRMSE", "ratio", "")
    return tag(
        "section",
        tag("h2", "Scores"),
        tag(
            "p",
            f"Validation at step {run.best_step:,}; means over fields. The ratio is the error "
            "relative to that of the best training-free forecast: below 1 the model is better.",
        ),
        tag(
            "table",
            score_heads(heads),
            *rows,
            class_="scores",
        ),
    )


def _rows(store: str, group: Sequence[StoreScore]) -> list[Html]:
    return [
        tag("tr", tag("th", store, colspan=6), class_="group"),
        *(_row(score) for score in group),
    ]


def _row(score: StoreScore) -> Html:
    rolled = " rolled" if score.is_rollout else ""
    return tag(
        "tr",
        tag("td", f"{score.lead_steps}{rolled}"),
        tag("td", short(score.error)),
        tag("td", score.forecast.replace("_", " "), class_="text"),
        tag("td", short(score.forecast_error)),
        tag("td", short(score.ratio)),
        tag("td", ratio_bar(score.ratio)),
    )


def score_heads(heads: Sequence[str]) -> Html:
    """The first row of a table of scores; the forecast's name is aligned as in the rows below."""
    return tag(
        "tr", *(tag("th", head, class_="text" if head == FORECAST else None) for head in heads)
    )


def ratio_bar(ratio: float | None) -> Html:
    """A bar that is half full at 1."""
    known = ratio is not None and ratio == ratio
    share = min(ratio or 0.0, FULL) / FULL if known else 0.0
    better = "better" if known and (ratio or 0.0) < 1 else "worse"
    return tag("div", tag("i", class_=better, style=f"width:{share:.0%}"), class_="ratio")
