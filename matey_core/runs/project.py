"""What every command takes for granted: `matey.toml`, or else conventions."""

from pathlib import Path
from typing import Literal

from matey_core.config import Config, read_toml, validate
from matey_core.locations import Location

FILE = Path("matey.toml")


class Project(Config):
    """Defaults of the working directory."""

    data: Location = Path("data")
    """Folder of source files; stores lie in its folder `zarr`."""
    runs: Path = Path("runs")
    """Folder of runs."""
    preset: Literal["nano", "micro", "mini", "ti", "s", "b", "l"] = "ti"
    """Size of new models."""

    hub: str | None = None
    """Folder that serves as hub; by default runs are shared through Hugging Face."""

    def place(self, name: str) -> str:
        """The path of a store of `data` that has this name; any other text as it is."""
        store = self.data / "zarr" / f"{name}.zarr"
        if Path(name).exists() or "://" in name or not store.is_dir():
            return name
        return str(store)


def project() -> Project:
    """Read `matey.toml` in the working directory, if there is one.

    Raises:
        ConfigError: the file cannot be read, or has unknown or wrong settings.
    """
    if not FILE.exists():
        return Project()
    return validate(Project, read_toml(FILE), source=str(FILE))
