"""Options made of settings: a command is a table of names, and a function that renders.

    @from_settings(
        "matey_core.workflows.rollout:RolloutConfig",
        *options("run --steps --split"),
        option("--scheme", "model.scheme", family="matey_core.attention"),
    )
    def rollout(given: Given) -> None:

Type, limits, choices, default and help are those of the setting. They are read from the source
of its class, which is not imported; names of parts are those of the family's registry.
"""

from matey_cli.options.layers import configure, one_of
from matey_cli.options.names import (
    part_names,
    run_names,
    store_names,
    store_or_run_names,
    store_weights,
    study_names,
)
from matey_cli.options.table import Given, from_settings, option, options
from matey_cli.options.values import num_bytes, shares

__all__ = [
    "Given",
    "configure",
    "from_settings",
    "num_bytes",
    "one_of",
    "option",
    "options",
    "part_names",
    "run_names",
    "shares",
    "store_names",
    "store_or_run_names",
    "store_weights",
    "study_names",
]
