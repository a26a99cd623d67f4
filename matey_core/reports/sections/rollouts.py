"""The last rollout: its scores, its pictures or, without them, its errors as curves."""

from pathlib import Path
from typing import Any

from matey_core.catalog import RunRecord
from matey_core.errors import CheckpointError
from matey_core.files import read_bytes, read_json
from matey_core.numbers import short
from matey_core.reports.chart import Curve, chart
from matey_core.reports.html import Html, tag
from matey_core.reports.png import SIGNATURE, data_url
from matey_core.reports.sections.scores import FORECAST, ratio_bar, score_heads

MOST_BYTES = 8 * 2**20
"""Larger pictures are left out."""


def rollouts(run: RunRecord) -> Html | None:
    """Write what `matey rollout` has found; None where it has not been called.

    Raises:
        CheckpointError: its scores are damaged.
    """
    if not run.rollout:
        return None
    heads = ("good frames", FORECAST, "ratio", "")
    table = tag(
        "table",
        score_heads(heads),
        *(row for store, summary in run.rollout.items() for row in _rows(store, summary)),
        class_="scores",
    )
    figures = [_picture(run, store) or curves for store, curves in _curves(run.path).items()]
    return tag(
        "section",
        tag("h2", "Rollout"),
        tag(
            "p",
            "Whole trajectories, each frame predicted from the predictions before. Good frames are "
            "those before the error first exceeds half of the field's spread in space.",
        ),
        table,
        tag("div", *figures, class_="pictures"),
    )


def _rows(store: str, summary: dict[str, Any]) -> tuple[Html, Html]:
    figures = tag(
        "tr",
        tag("td", f"{summary['good']} of {summary['known']}"),
        tag("td", summary["forecast"].replace("_", " "), class_="text"),
        tag("td", short(summary["ratio"])),
        tag("td", ratio_bar(summary["ratio"])),
    )
    return tag("tr", tag("th", store, colspan=4), class_="group"), figures


def _picture(run: RunRecord, store: str) -> Html | None:
    """The picture of a store, if it lies where rollouts write it: no other file is shown."""
    folder = run.path / "rollout"
    path = folder / f"{store}.png"
    if path.parent != folder or folder.is_symlink() or path.is_symlink() or not path.is_file():
        return None
    try:
        content = read_bytes(path)
    except (OSError, ValueError):
        return None
    if len(content) > MOST_BYTES or not content.startswith(SIGNATURE):
        return None
    alt = f"rollout of {store}"
    return tag("figure", tag("img", src=data_url(content), alt=alt), class_="picture")


def _curves(run: Path) -> dict[str, Html | None]:
    """Store → errors by lead, beside those of the training-free forecasts."""
    path = run / "scores.json"
    try:
        return {str(each["store"]): _chart(each) for each in read_json(path)["stores"]}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(
            f"{path} is damaged: {error!r}.", remedy="Write it again with `matey rollout`."
        ) from error


def _chart(found: dict[str, Any]) -> Html | None:
    curves: dict[str, list[tuple[float, float]]] = {}
    for lead in found["rollout"]:
        mean = lead["mean"]
        names = [key for key in mean if key == "nrmse" or key.endswith("_nrmse")]
        for key in names:
            name = key.removesuffix("_nrmse").replace("_", " ") if key != "nrmse" else "model"
            if mean[key] is not None:
                curves.setdefault(name, []).append((float(lead["lead"]), float(mean[key])))
    drawn = [Curve(name=name, points=points) for name, points in curves.items()]
    return chart(f"{found['store']}: nRMSE, mean over fields", drawn, across="frames ahead")
