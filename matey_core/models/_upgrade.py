"""Settings of models as versions before 0.2 wrote them: one set of keys for all variants."""

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
"""Keys that the paper variant had, and did not heed."""
TOKENIZER_OF_PAPER = ("name", "patch", "gamma", "ratio")


def upgraded_settings(values: Mapping[str, Any]) -> dict[str, Any]:
    """Keep what the variant heeds of a model's settings; what is up to date stays as it is.

    Used for `model.json` of format 1, and for `[model]` in a `config.toml` of that time.

    Args:
        values: plain values, as read from a file.
    """
    kept = dict(values)
    if kept.get("variant") != "paper":
        return kept
    for key in OF_MATEY_ALONE:
        kept.pop(key, None)
    if kept.get("position") == "boundary":  # which the paper variant took for none
        kept["position"] = "none"
    tokenizer = kept.get("tokenizer")
    if isinstance(tokenizer, Mapping):
        own = {key: value for key, value in tokenizer.items() if key in TOKENIZER_OF_PAPER}
        if own.get("name") == "uniform":  # which has the last size alone
            own["patch"] = own.get("patch", ())[-2:]
        kept["tokenizer"] = own
    return kept
