"""Measurements: a file a question, JSON lines that name machine and versions."""
