"""Studies in files: those of the user, and those that matey brings."""

from importlib.resources import files
from pathlib import Path

from matey_core.config import read_toml, validate, with_settings
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
    if path.suffix == "" and not path.exists():
        path = shipped_study(str(path))
    values = with_settings(read_toml(path), assignments)
    kind = KINDS[str(values.get("kind", KindConfig.default))]
    if "name" in kind.model_fields:
        values.setdefault("name", path.stem)
    values = kind.of_today(values, source=path.name)
    return validate(kind, values, source=path.name)


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
