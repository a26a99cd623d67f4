"""What is wrong with a store: one check a file. The door of the family."""

from matey_core.linting._base import CHECKS, SEVERITIES, Check, Finding, Place, Severity
from matey_core.linting._blocks import Block
from matey_core.linting._linter import READ, Linter, lint_store
from matey_core.linting._summary import Summary

__all__ = [
    "CHECKS",
    "READ",
    "SEVERITIES",
    "Block",
    "Check",
    "Finding",
    "Linter",
    "Place",
    "Severity",
    "Summary",
    "lint_store",
]
