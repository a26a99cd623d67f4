"""How losses and validations went, store by store."""

from matey_core.reports.chart import Curve, chart
from matey_core.reports.history import RunHistory, bucketed
from matey_core.reports.html import Html, tag


def losses(history: RunHistory) -> Html | None:
    """Draw a chart of each store's loss; None without a step."""
    charts = []
    for name, store in sorted(history.stores.items()):
        line, band = bucketed(store.steps, store.losses)
        curve = Curve(name="loss", points=line, band=band)
        charts.append(chart(name, [curve], across="step"))
    return _section(
        "Loss",
        "Training loss of each store's batches; where steps are many, the mean of some in a row, "
        "and what they span.",
        charts,
    )


def validations(history: RunHistory) -> Html | None:
    """Draw a chart of each store's ratios; None without a validation."""
    charts = []
    overall = [Curve(name="all stores", points=history.scores, has_marks=True)]
    if len(history.stores) > 1:
        charts.append(chart("All stores", overall, across="step", level=1.0))
    for name, store in sorted(history.stores.items()):
        curves = [
            Curve(name=lead, points=points, has_marks=True) for lead, points in store.ratios.items()
        ]
        charts.append(chart(name, curves, across="step", level=1.0))
    return _section(
        "Validation",
        "Error relative to that of the best training-free forecast, which is the line at 1.",
        charts,
    )


def _section(title: str, text: str, charts: list[Html | None]) -> Html | None:
    known = [each for each in charts if each is not None]
    if not known:
        return None
    grid = tag("div", *known, class_="grid")
    return tag("section", tag("h2", title), tag("p", text), grid)
