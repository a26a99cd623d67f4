"""Experiments over runs: many trainings, one question."""
