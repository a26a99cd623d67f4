"""Names in configs and options, and the one file that answers to each."""

import ast
import difflib
import importlib
import pkgutil
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from matey_core.errors import ConfigError

Entry = TypeVar("Entry")


class Registry(Generic[Entry]):
    """A family of interchangeable parts: one folder, one file a part.

    A file's name is the part's name: asking for "full" in `matey_core.attention`
    imports `matey_core/attention/full.py`, which registers itself. Nothing else
    is imported, so a part may need an optional package without costing the others.
    """

    def __init__(self, package: str) -> None:
        self.package = package
        self.kind = package.rpartition(".")[2]
        self._entries: dict[str, Entry] = {}

    def register(self, name: str) -> Callable[[Entry], Entry]:
        """Decorate the part that answers to `name`."""

        def add(entry: Entry) -> Entry:
            if name in self._entries:
                raise RuntimeError(f"{self.kind}: {name!r} is registered twice.")
            self._entries[name] = entry
            return entry

        return add

    def names(self) -> tuple[str, ...]:
        """All known names, in order, without importing a single part."""
        files = {module.name for module in pkgutil.iter_modules([str(self._folder())])}
        return tuple(sorted({name for name in files if name[0] != "_"} | self._entries.keys()))

    def summary(self, name: str) -> str:
        """First line of the part's module docstring, read without importing it."""
        source = (self._folder() / f"{name}.py").read_text(encoding="utf-8")
        return (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0]

    def __contains__(self, name: str) -> bool:
        return name in self.names()

    def __getitem__(self, name: str) -> Entry:
        if name not in self._entries and name in self.names():
            self._load(name)
        if name not in self._entries:
            near = difflib.get_close_matches(name, self.names(), n=1)
            raise ConfigError(
                f"{self.kind} has no {name!r}; it has {', '.join(self.names())}.",
                remedy=f"Did you mean {near[0]!r}?" if near else "",
            )
        return self._entries[name]

    def _folder(self) -> Path:
        return Path(__file__).parent.joinpath(*self.package.split(".")[1:])

    def _load(self, name: str) -> None:
        try:
            importlib.import_module(f"{self.package}.{name}")
        except ModuleNotFoundError as error:
            raise ConfigError(
                f"{self.kind}: {name!r} needs the package {error.name}.",
                remedy=f"pip install 'matey[{name}]'",
            ) from error
