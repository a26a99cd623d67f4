"""Pretrained models that come with the package, laid out like a folder that serves as hub."""

from collections.abc import Mapping
from pathlib import Path

WEIGHTS = Path(__file__).parent / "weights"
INCLUDED: Mapping[str, str] = {"matey-tiny": "matey/tiny"}
"""Name of a run → OWNER/NAME below `WEIGHTS`."""
