"""The page: all sections in one file that needs nothing else."""

from pathlib import Path

from matey_core.catalog import RunRecord
from matey_core.reports.history import RunHistory
from matey_core.reports.html import Html, joined, tag
from matey_core.reports.refinement import Refinement, drawn
from matey_core.reports.sections.curves import losses, validations
from matey_core.reports.sections.overview import overview
from matey_core.reports.sections.provenance import data, settings, versions
from matey_core.reports.sections.rollouts import rollouts
from matey_core.reports.sections.scores import scores
from matey_core.version import __version__

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
"""Nothing is loaded from anywhere and no script runs, whatever the page holds."""


def page(run: RunRecord, history: RunHistory, maps: list[Refinement]) -> str:
    """Write the page of a run.

    Args:
        run: all that its folder says.
        history: of its journal.
        maps: cells of its stores; empty where its model has none.

    Raises:
        CheckpointError: the scores of its rollout are damaged.
    """
    body = tag(
        "main",
        tag("header", overview(run, history)),
        scores(run),
        losses(history),
        validations(history),
        rollouts(run),
        _cells(maps),
        data(run),
        settings(run),
        versions(run),
        tag("footer", f"Written by matey {__version__}."),
    )
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", f"{run.name} · matey"),
        tag("style", Html(Path(__file__).with_name("report.css").read_text(encoding="utf-8"))),
    )
    return "<!doctype html>\n" + joined(tag("html", head, tag("body", body), lang="en")) + "\n"


def _cells(maps: list[Refinement]) -> Html | None:
    if not maps:
        return None
    text = "How the model cuts a frame of each store into tokens: small cells where detail is."
    figures = tag("div", *map(drawn, maps), class_="grid")
    return tag("section", tag("h2", "Refinement"), tag("p", text), figures)
