"""What is wrong with a store: one check a file. The door of the family."""

from matey_core.linting._base import CHECKS, SEVERITIES, Check, Finding, FindingPlace, Severity
from matey_core.linting._blocks import FrameBlock
from matey_core.linting._linter import READ, Linter, lint_store
from matey_core.linting._summary import Summary

__all__ = [
    "CHECKS",
    "READ",
    "SEVERITIES",
    "Check",
    "Finding",
    "FindingPlace",
    "FrameBlock",
    "Linter",
    "Severity",
    "Summary",
    "lint_store",
]
