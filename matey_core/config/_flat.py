"""Settings by their path."""

from typing import Any


def flat(settings: dict[str, Any], above: str = "") -> dict[str, Any]:
    """Settings by their path, such as `optimizer.learning_rate`."""
    found: dict[str, Any] = {}
    for name, value in settings.items():
        found |= (
            flat(value, f"{above}{name}.") if isinstance(value, dict) else {above + name: value}
        )
    return found
