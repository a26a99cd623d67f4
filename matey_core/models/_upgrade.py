"""Settings of models as earlier versions wrote them, turned into today's."""

from collections.abc import Mapping
from typing import Any

OF_MATEY_ALONE = (
    "measure",
    "norm",
    "conditioning",
    "increment",
    "innovation",
    "trend",
    "details",
    "layer_scale",
)
"""Keys that the paper variant had, and did not heed; what version 0.1 wrote has all of them."""
TOKENIZER_OF_PAPER = ("name", "patch", "gamma", "ratio")
CAME_LATER: Mapping[str, Mapping[str, Any]] = {"pyramid": {"global_context": False}}
"""Variant → settings that its first models lack, with the values that those models have."""


def upgraded_settings(values: Mapping[str, Any]) -> dict[str, Any]:
    """Keep what the variant heeds of a model's settings, as version 0.1 wrote them.

    What is up to date, or written by hand, stays as it is: a foreign key is then refused.

    Args:
        values: plain values, as read from a file.
    """
    kept = dict(values)
    if kept.get("variant") != "paper" or not kept.keys() >= set(OF_MATEY_ALONE):
        return kept
    for key in OF_MATEY_ALONE:
        kept.pop(key, None)
    if kept.get("position") == "boundary":  # which the paper variant took for none
        kept["position"] = "none"
    tokenizer = kept.get("tokenizer")
    if isinstance(tokenizer, Mapping):
        own = {key: value for key, value in tokenizer.items() if key in TOKENIZER_OF_PAPER}
        if own.get("name") == "uniform" and isinstance(own.get("patch"), list):
            own["patch"] = own["patch"][-2:]  # of which it has the last size alone
        kept["tokenizer"] = own
    return kept


def completed_settings(values: Mapping[str, Any]) -> dict[str, Any]:
    """Add what was the case when a file was written that does not say it.

    Args:
        values: plain values of a saved model or run, not those of a person.
    """
    variant = values.get("variant")
    return {**(CAME_LATER.get(variant, {}) if isinstance(variant, str) else {}), **values}
