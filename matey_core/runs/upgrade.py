"""Settings of a training run as earlier versions wrote them, turned into today's.

Version 0.1 had all of them at the top level:

    objective = "nrmse"   →  [loss] name = "nrmse"
    learning_rate = 1e-3  →  [optimizer] learning_rate = 1e-3
    weight_decay = 1e-3   →  [optimizer] weight_decay = 1e-3
    warmup = 0.05         →  [schedule] warmup = 0.05
    mode = "full"         →  [finetune] mode = "full"
    augment = ["noise"], noise = 0.1  →  augment = [{name = "noise", strength = 0.1}]

and `[model]` held the settings of all variants; see `upgraded_settings`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matey_core.config import Config
from matey_core.errors import ConfigError
from matey_core.locations import is_url
from matey_core.losses import LOSSES
from matey_core.models import completed_settings, upgraded_settings
from matey_core.objectives import OBJECTIVES
from matey_core.runs.folder import run_toml

MOVED = {
    "learning_rate": ("optimizer", "learning_rate"),
    "weight_decay": ("optimizer", "weight_decay"),
    "warmup": ("schedule", "warmup"),
    "mode": ("finetune", "mode"),
}
"""Old setting → section and setting of today."""
OF_OLD_RUNS = {"loss": "nrmse", "objective": "one_step", "optimizer": "adamw"}
"""What was minimized, and how, where a run does not say it."""
DRAWN = {"draw": "uniform", "subset": "store"}
"""How windows and trajectories were drawn, where a run does not say it."""
NAMED_BY = {"finetune": "mode"}
"""Section → the setting that names its part, where that is not `name`."""


def upgraded(kind: type[Config], values: Mapping[str, Any], *, source: str) -> dict[str, Any]:
    """Rename the settings that an earlier version had under other names.

    Args:
        kind: settings class that shall read the values.
        values: plain values, as read from TOML; today's stay as they are.
        source: where the values come from, for the error text.

    Raises:
        ConfigError: a setting is given under its old name and its new one.
    """
    found = dict(values)
    for old, (section, key) in MOVED.items():
        if old in found and old not in kind.model_fields and section in kind.model_fields:
            part = _section(found.get(section, {}), NAMED_BY.get(section, "name"))
            if part is None:
                continue
            value = found.pop(old)
            if section == "optimizer":
                part.setdefault("name", "adamw")
            if part.setdefault(key, value) != value:
                raise _twice(source, old, value, f"{section}.{key}", part[key])
            found[section] = part
    if isinstance(found.get("model"), Mapping) and "model" in kind.model_fields:
        found["model"] = upgraded_settings(found["model"])
    if "loss" in kind.model_fields:
        _upgrade_objective(found, source)
    if "noise" in found and "noise" not in kind.model_fields:
        _upgrade_noise(found, source)
    return found


def upgraded_run(kind: type[Config], path: Path) -> dict[str, Any]:
    """Read the settings that a run wrote, with what was the default then.

    Args:
        kind: settings class that shall read the values.
        path: the run's `config.toml`.

    Raises:
        ConfigError: the file cannot be read, or a setting is given twice.
    """
    found = upgraded(kind, run_toml(path), source=str(path))
    if isinstance(found.get("model"), Mapping):
        found["model"] = completed_settings(found["model"])
    # Addresses count only where the user has given them; data.json says which stores there were.
    found = {
        key: value for key, value in found.items() if not (isinstance(value, str) and is_url(value))
    }
    parts = {section: {"name": name} for section, name in OF_OLD_RUNS.items()}
    drawn = {name: old for name, old in DRAWN.items() if name in kind.model_fields}
    return {**parts, **drawn, **found}


def _section(part: Any, key: str) -> dict[str, Any] | None:
    """Write a part as a section; None for what is no part, which is refused later."""
    if isinstance(part, str):
        return {key: part}
    return dict(part) if isinstance(part, Mapping) else None


def _upgrade_objective(found: dict[str, Any], source: str) -> None:
    """Call what was an objective a loss."""
    objective = found.get("objective")
    name = objective.get("name") if isinstance(objective, Mapping) else objective
    if isinstance(objective, Mapping) and len(objective) > 1:  # a loss had no other settings
        return
    if not isinstance(name, str) or name in OBJECTIVES or name not in LOSSES:
        return
    loss = _section(found.get("loss", {}), "name")
    if loss is None:
        return
    del found["objective"]
    if loss.setdefault("name", name) != name:
        raise _twice(source, "objective", name, "loss", loss["name"])
    found["loss"] = loss


def _upgrade_noise(found: dict[str, Any], source: str) -> None:
    """Give the noise its strength; without any, it still decides what those behind it draw."""
    strength, augment = found.pop("noise"), found.get("augment", ["noise"])
    if not isinstance(augment, list | tuple):
        return
    parts: list[Any] = []
    for part in augment:
        section = _section(part, "name")
        if section is None or section.get("name") != "noise":
            parts.append(part)
        elif section.setdefault("strength", strength) != strength:
            raise _twice(source, "noise", strength, "augment", section)
        else:
            parts.append(section)
    if parts and parts[-1] == {"name": "noise", "strength": 0}:
        parts.pop()
    found["augment"] = parts


def _twice(source: str, old: str, value: Any, new: str, other: Any) -> ConfigError:
    return ConfigError(
        f"{source}: {old} = {value} is now called {new}, which is given as well: {other}.",
        remedy=f"Leave {old} out; set {new} to change its value.",
    )
