"""Picture of rollout errors, with a panel for every data set."""

import math
from pathlib import Path
from typing import Any

from matey_core.studies.arena.report import ArenaReport, Table

COLUMNS = 3
"""Panels side by side."""
STYLES = ("--", ":", "-.")
"""Line styles of forecasts."""


def draw(report: ArenaReport, path: Path) -> None:
    """Draw nRMSE against the frame: models in color, training-free forecasts in gray.

    Args:
        report: with at least one table.
        path: the file; its name may have any ending.
    """
    from matplotlib.figure import Figure

    tables = report.tables
    wide = min(COLUMNS, len(tables))
    high = -(-len(tables) // wide)
    figure = Figure(figsize=(4.6 * wide, 3.4 * high), layout="constrained")
    panels = figure.subplots(high, wide, squeeze=False).ravel()
    names = list(dict.fromkeys(row.name for table in tables for row in table.models))
    colors = {name: f"C{index}" for index, name in enumerate(names)}
    for panel, table in zip(panels, tables, strict=False):
        _panel(panel, table, colors)
    for panel in panels[len(tables) :]:
        panel.set_axis_off()
    panels[0].legend(fontsize="x-small")
    figure.suptitle(f"Rollouts after {report.seconds:g} {report.unit} seconds", fontsize=10)
    figure.savefig(path, format="png", dpi=120)


def _panel(panel: Any, table: Table, colors: dict[str, str]) -> None:
    known = [error for row in table.models for error in row.leads if 0 < error < math.inf]
    forecasts = [row for row in table.rows if not row.cost]
    for row in table.models:
        panel.plot(range(1, len(row.leads) + 1), row.leads, color=colors[row.name], label=row.name)
    for style, row in zip(STYLES, forecasts, strict=False):
        frames = range(1, len(row.leads) + 1)
        panel.plot(frames, row.leads, color="gray", linestyle=style, label=row.name, linewidth=1)
    panel.set_title(table.data, fontsize=9)
    panel.set_xlabel("frame")
    panel.set_ylabel("nRMSE, test")
    panel.set_yscale("log")
    if known:
        panel.set_ylim(min(known) / 3, min(max(known), 10.0) * 3)
