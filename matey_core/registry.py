"""Names in settings and options, and the one file, folder or package that answers to each."""

import ast
import difflib
import importlib
import inspect
import pkgutil
import sys
from collections.abc import Callable, Mapping
from functools import cached_property, lru_cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Generic, TypeVar

from matey_core.errors import ConfigError

Entry = TypeVar("Entry")


class Registry(Generic[Entry]):
    """A family of interchangeable parts: one folder, one file or folder a part.

    The name of a file or folder is the part's name: asking for "full" in
    `matey_core.attention` imports `matey_core/attention/full.py`, which registers itself.
    Nothing else is imported, so a part may need an optional package without costing the
    others. Other packages add parts by an entry point in the group `matey.attention`: its
    module or object is imported when the part is asked for, and registers itself as well.
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
        return tuple(sorted({*self._files, *self._outside, *self._entries}))

    def summary(self, name: str) -> str:
        """First line of the part's docstring; parts of this package are not imported for it."""
        if file := self._files.get(name):
            text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))
        elif name in self._entries:
            text = inspect.getdoc(self._entries[name])
        else:
            text = f"Of the package {self._outside[name].value.partition('.')[0].partition(':')[0]}"
        return (text or "").partition("\n")[0]

    def __contains__(self, name: str) -> bool:
        return name in self.names()

    def __getitem__(self, name: str) -> Entry:
        if name not in self._entries and name in self.names():
            self._load(name)
        if name not in self._entries:
            near = difflib.get_close_matches(name, self.names(), n=1)
            raise ConfigError(
                f"unknown name {name!r} in {self.kind}; names are {', '.join(self.names())}.",
                remedy=f"Did you mean {near[0]!r}?" if near else "",
            )
        return self._entries[name]

    @cached_property
    def _files(self) -> Mapping[str, Path]:
        """Source of every part of this package."""
        folder = Path(__file__).parent.joinpath(*self.package.split(".")[1:])
        return {
            module.name: folder / module.name / "__init__.py"
            if module.ispkg
            else folder / f"{module.name}.py"
            for module in pkgutil.iter_modules([str(folder)])
            if not module.name.startswith("_")
        }

    @cached_property
    def _outside(self) -> Mapping[str, EntryPoint]:
        """Parts that other installed packages announce."""
        announced = _announced(tuple(sys.path)).select(group=f"matey.{self.kind}")
        return {point.name: point for point in announced}

    def _load(self, name: str) -> None:
        point = self._outside.get(name)
        if point is not None and name in self._files:
            raise ConfigError(
                f"The family {self.kind} has a part {name!r}, and the installed {point.value} has "
                "the same name.",
                remedy="Rename the entry point of that package, or uninstall it.",
            )
        try:
            if point is None:
                importlib.import_module(f"{self.package}.{name}")
            else:
                point.load()
        except ModuleNotFoundError as error:
            if error.name is None or error.name.startswith(self.package):
                raise
            raise ConfigError(
                f"{self.kind}: {name!r} needs the package {error.name}.",
                remedy=f"pip install {error.name}",
            ) from error
        except Exception as error:
            if point is None:
                raise
            raise ConfigError(
                f"{self.kind}: {name!r} of {point.value} cannot be loaded: "
                f"{type(error).__name__}: {error}.",
                remedy="Ask the authors of that package, or uninstall it.",
            ) from error
        if point is not None and name not in self._entries:
            raise ConfigError(
                f"{self.kind}: {point.value} does not register {name!r}, which it announces.",
                remedy="Ask the authors of that package, or uninstall it.",
            )


@lru_cache(maxsize=1)
def _announced(path: tuple[str, ...]) -> Any:
    """All entry points of the packages in `path`, whose metadata is read once for all families."""
    return entry_points()
