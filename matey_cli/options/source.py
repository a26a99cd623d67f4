"""Definitions in source code, followed from module to module without importing one.

Settings classes live beside what they configure, which imports torch; help and completion
cannot wait for that.
"""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
"""Folder of the packages whose source is read."""


class FoundClass(NamedTuple):
    """A class or an expression, and the module in which its names have their meaning."""

    module: str
    node: ast.AST


@cache
def tree(module: str) -> ast.Module:
    """Source of a module, parsed; empty for a module of another package."""
    place = ROOT.joinpath(*module.split("."))
    file = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    return ast.parse(file.read_text(encoding="utf-8") if file.is_file() else "")


def find(module: str, name: str) -> FoundClass | None:
    """Definition of a name that a module defines or imports: class, function or value."""
    for node in tree(module).body:
        match node:
            case ast.ClassDef() | ast.FunctionDef() if node.name == name:
                return FoundClass(module, node)
            case ast.Assign(targets=[ast.Name(id=target)], value=value) if target == name:
                return FoundClass(module, value)
            case ast.AnnAssign(target=ast.Name(id=target), value=ast.expr() as value) if (
                target == name
            ):
                return FoundClass(module, value)
            case ast.ImportFrom(module=str(origin), names=aliases):
                for alias in aliases:
                    if (alias.asname or alias.name) == name:
                        return find(origin, alias.name)
    return None


def lineage(kind: FoundClass) -> Iterator[FoundClass]:
    """A class and those above it whose source is at hand, nearest first."""
    yield kind
    for base in getattr(kind.node, "bases", ()):
        if isinstance(base, ast.Name) and (above := find(kind.module, base.id)):
            yield from lineage(above)


def registered(package: str, name: str) -> FoundClass | None:
    """The class that is decorated with `REGISTRY.register(name)` in the part of this name."""
    folder = ROOT.joinpath(*package.split("."), name)
    modules = (f"{package}.{name}.{file.stem}" for file in sorted(folder.glob("*.py")))
    for module in (f"{package}.{name}", *modules):
        for node in tree(module).body:
            if isinstance(node, ast.ClassDef) and any(map(_registers, node.decorator_list)):
                return FoundClass(module, node)
    return None


def _registers(decorator: ast.expr) -> bool:
    call = decorator.func if isinstance(decorator, ast.Call) else None
    return isinstance(call, ast.Attribute) and call.attr == "register"
