"""Errors relative to those of the best training-free forecast."""

from matey_cli import render

BEATEN = "‡"
"""Marks errors above those of the best training-free forecast."""
LEGEND = f" {BEATEN} worse than that forecast."


def marked(ratio: float | None) -> str:
    """A ratio in three digits, with a mark where the forecast is better; a dash for none."""
    if ratio is None:
        return "–"
    text = render.number(ratio, digits=3)
    text = {"inf": "∞", "nan": "–"}.get(text, text)
    return f"{text} {BEATEN}" if ratio > 1 else text
