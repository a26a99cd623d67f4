"""What is wrong with stores, as tables."""

from typing import TYPE_CHECKING

from matey_cli import render

if TYPE_CHECKING:
    from matey_core.linting import Finding
    from matey_core.workflows.data_check import CheckReport, StoreCheck

STYLES = {"error": "bold red", "warning": "yellow", "note": "dim"}


def total(report: "CheckReport") -> str:
    """How many findings there are in how many stores."""
    return (
        f"{render.counted(report.errors, 'error')}, {render.counted(report.warnings, 'warning')}, "
        f"{render.counted(report.notes, 'note')} in {render.counted(len(report.stores), 'store')}."
    )


def show(store: "StoreCheck") -> None:
    """Print a table of what was found in a store."""
    looked = f"{store.samples:,} of {render.counted(store.of_samples, 'sample')}"
    rate = f", {render.size(store.num_bytes / store.seconds)}/s" if store.num_bytes else ""
    caption = f"{looked}, {render.size(store.num_bytes)} read{rate}"
    if not store.findings:
        render.heading(f"{store.path.stem}: nothing found")
        render.caption(f"  {caption}")
        return
    render.table(
        store.path.stem,
        ("check", "found", "what to do"),
        [_cells(finding) for finding in store.findings],
        caption=caption,
    )


def _cells(finding: "Finding") -> tuple[object, ...]:
    from rich.text import Text

    severity = Text(finding.severity, STYLES[finding.severity])
    return (
        severity.append(f"\n{finding.check}", "default not bold not dim"),
        render.Lines((_place(finding), finding.found, f"expected: {finding.expected}")),
        finding.remedy,
    )


def _place(finding: "Finding") -> str:
    """Where it is, from the field down to the cell."""
    split = f" ({finding.split})" if finding.split else ""
    cell = None if finding.cell is None else ", ".join(map(str, finding.cell))
    parts = [
        finding.field,
        finding.sample and f"sample {finding.sample}{split}",
        "" if finding.frame is None else f"frame {finding.frame}",
        "" if cell is None else f"cell ({cell})",
        f"{finding.count:,} samples in all" if finding.sample and finding.count > 1 else "",
    ]
    return ", ".join(part for part in parts if part) or "the store"
