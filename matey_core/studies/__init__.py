"""Experiments as data: a TOML file names what is varied, one runner trains, tests and judges."""
