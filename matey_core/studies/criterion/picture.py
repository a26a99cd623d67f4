"""Curves of captured error against the share of cells, as a picture."""

import os
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from itertools import cycle
from pathlib import Path
from typing import Any

from matey_core.errors import ConfigError, RunError, install_extra
from matey_core.studies.criterion.measure import SHARES
from matey_core.studies.criterion.report import StoreAudit

MISSING = f"matplotlib is not installed, so there is no picture: {install_extra('plots')}"
SUFFIXES = (".png", ".pdf", ".svg")
COLUMNS = 3
COLORS = ("C0", "C1", "C2", "C3", "C4", "C5", "C6", "C8", "C9")
"""All that matplotlib goes through but its gray."""
STYLES: dict[str, dict[str, Any]] = {
    "oracle": {"color": "0.75", "linewidth": 4},
    "random": {"color": "gray", "linestyle": "--"},
}


def check_place(path: Path) -> None:
    """Say before the work whether a picture can be written under this name.

    Raises:
        ConfigError: the name has none of the suffixes, or a folder has it.
        RunError: the file cannot be written there.
    """
    if path.is_dir():
        raise ConfigError(
            f"--out {path} is a folder.", remedy="Name a file in it, such as curves.png."
        )
    if path.suffix.lower() not in SUFFIXES:
        raise ConfigError(
            f"--out {path} ends in {path.suffix or 'nothing'}; a picture ends in "
            f"{', '.join(SUFFIXES)}.",
            remedy=f"Write it as --out {path.with_suffix('.png')}.",
        )
    if find_spec("matplotlib") is None:
        return  # there will be no picture, and the tables need no place
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass
        if path.exists() and not os.access(path, os.W_OK):
            raise PermissionError(None, "Permission denied")
    except OSError as error:
        raise _unwritable(path, error) from error


def draw(audits: Sequence[StoreAudit], path: Path, *, title: str, share: float) -> str:
    """Draw one panel a store.

    Args:
        audits: what was found, store by store.
        path: where the picture goes; its suffix says of what kind it is.
        title: whose error it is.
        share: of the cells that the table is about.

    Returns:
        Why there is no picture; empty where there is one.

    Raises:
        RunError: the file cannot be written.
    """
    if not audits:
        return "There is nothing to draw."
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        return MISSING
    columns = min(COLUMNS, len(audits))
    rows = -(-len(audits) // columns)
    figure = Figure(figsize=(3.8 * columns + 1.8, 3.6 * rows + 0.5), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).flatten()
    names = sorted({row.criterion for audit in audits for row in audit.criteria} - STYLES.keys())
    styles = dict(STYLES)
    styles |= {name: {"color": color} for name, color in zip(names, cycle(COLORS), strict=False)}
    lines = {}
    for panel, audit in zip(panels, audits, strict=False):
        for row in audit.criteria:
            (lines[row.criterion],) = panel.plot(SHARES, row.curve, **styles[row.criterion])
        panel.axvline(share, color="gray", linewidth=0.5)
        cells = "×".join(map(str, audit.cells))
        panel.set(xlim=(0, 1), ylim=(0, 1.01))
        panel.set_title(f"{audit.store}\n{cells} cells", fontsize=9)
    for panel in panels[len(audits) :]:
        panel.set_visible(False)
    figure.supxlabel("share of cells chosen", fontsize=10)
    figure.supylabel("share of squared error in them", fontsize=10)
    figure.suptitle(title, fontsize=10)
    figure.legend(lines.values(), lines.keys(), loc="outside right center", fontsize=8)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=120)
    except OSError as error:
        raise _unwritable(path, error) from error
    return ""


def _unwritable(path: Path, error: OSError) -> RunError:
    return RunError(
        f"{path} cannot be written: {error.strerror or error}.",
        remedy="Name another file with --out.",
    )
