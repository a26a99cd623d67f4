"""Studies in files: those of the user, and those that matey brings."""

from importlib.resources import files
from pathlib import Path
from typing import Any

from matey_core.config import merged, read_toml, validate, with_settings
from matey_core.errors import ConfigError
from matey_core.studies.kinds import KINDS, KindConfig


def read_study(path: Path, assignments: tuple[str, ...] = ()) -> KindConfig:
    """Read a study's file.

    Args:
        path: the file; without a suffix, the name of a study that matey brings.
        assignments: `key=value` settings laid over it.

    Raises:
        ConfigError: there is no such file, or something in it is wrong.
    """
    if path.suffix == "" and not path.is_file():
        path = shipped_study(str(path))
    values = _scaled(read_toml(path), assignments, source=path.name)
    kind = KINDS[str(values.get("kind", KindConfig.default))]
    if "name" in kind.model_fields:
        values.setdefault("name", path.stem)
    values = kind.of_today(values, source=path.name)
    return validate(kind, values, source=path.name)


def _scaled(values: dict[str, Any], assignments: tuple[str, ...], *, source: str) -> dict[str, Any]:
    """Lay the block of `scales` that `scale` names over a file, and assignments over both.

    Raises:
        ConfigError: the file has no such block.
    """
    scales = values.pop("scales", {})
    chosen = with_settings(values, assignments).get("scale")
    if chosen is not None and chosen not in scales:
        known = ", ".join(scales) or "none"
        raise ConfigError(
            f"{source}: there is no scale {chosen!r}; there are: {known}.",
            remedy="Name one of them, or leave `scale` out.",
        )
    values = with_settings(merged(values, scales.get(chosen, {})), assignments)
    values.pop("scale", None)
    return values


def shipped_study(name: str) -> Path:
    """Find a study that matey brings.

    Raises:
        ConfigError: there is none of the name.
    """
    folder = Path(str(files("matey_core.studies") / "files"))
    known = {path.stem: path for path in sorted(folder.glob("*.toml"))}
    if name not in known:
        raise ConfigError(
            f"There is no study {name!r}: it is not a file, and matey comes with "
            f"{', '.join(known)}.",
            remedy="Give the path of a TOML file, or one of these names.",
        )
    return known[name]
