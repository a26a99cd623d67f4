"""The package as its architecture says: no import circles, no prefixes that are folders."""

import ast
import builtins
import dis
import importlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from types import CodeType

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for package in ("matey_core", "matey_cli")
    for path in sorted((ROOT / package).rglob("*.py"))
}
LARGEST_ROOM = 6_000
"""Lines."""


def imports(module: str) -> Iterator[str]:
    """Modules of the package that a module names when it is imported, annotations included."""
    tree = ast.parse(FILES[module].read_text(encoding="utf-8"))
    for node in outside_functions(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in FILES)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in FILES else node.module


def outside_functions(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield child
            yield from outside_functions(child)


def global_names(code: CodeType) -> Iterator[str]:
    """Names that functions look up in their module when they run."""
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            instructions = dis.get_instructions(inner)
            yield from (each.argval for each in instructions if each.opname == "LOAD_GLOBAL")
            yield from global_names(inner)


def strong_components(graph: dict[str, set[str]]) -> list[list[str]]:
    """Groups of modules that reach each other (Tarjan)."""
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        number[node] = low[node] = len(number)
        stack.append(node)
        for other in sorted(graph[node]):
            if other not in number:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], number[other])
        if low[node] == number[node]:
            place = stack.index(node)
            found.append(sorted(stack[place:]))
            del stack[place:]

    for node in sorted(graph):
        if node not in number:
            visit(node)
    return found


def family_of(module: str) -> str:
    return module.rpartition(".")[0]


def test_no_module_imports_itself_through_others_not_even_for_annotations() -> None:
    graph = {module: {name for name in imports(module) if name in FILES} for module in FILES}
    # A part registers at its family's door, which does not import it.
    circles = [group for group in strong_components(graph) if len(group) > 1]
    assert circles == []


@pytest.mark.parametrize("module", sorted(FILES.keys() - {"matey_cli.__main__"}))
def test_every_name_in_a_module_is_defined(module: str) -> None:
    """Linters take a name that is not defined for an axis of a shape."""
    known = {*vars(importlib.import_module(module)), *vars(builtins)}
    code = compile(FILES[module].read_text(encoding="utf-8"), module, "exec")
    assert set(global_names(code)) <= known


@pytest.mark.parametrize("room", sorted({path.parent for path in FILES.values()}), ids=str)
def test_no_prefix_stands_for_a_folder(room: Path) -> None:
    """Two private files whose names begin alike belong into a folder of that name."""
    stems = [path.stem.strip("_") for path in room.glob("_[!_]*.py")]
    prefixes = Counter(stem.partition("_")[0] for stem in stems if "_" in stem)
    assert [prefix for prefix, count in prefixes.items() if count > 1 or prefix in stems] == []


def test_no_room_is_larger_than_can_be_overseen() -> None:
    lines: dict[str, int] = defaultdict(int)
    for module, path in FILES.items():
        room = ".".join(module.split(".")[:2])
        lines[room] += len(path.read_text(encoding="utf-8").splitlines())
    assert {room: count for room, count in lines.items() if count >= LARGEST_ROOM} == {}


def test_a_name_of_a_class_stands_for_one_class() -> None:
    names: dict[str, list[str]] = defaultdict(list)
    for module, path in FILES.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                names[node.name].append(module)
    assert {name: places for name, places in names.items() if len(places) > 1} == {}


def test_the_architecture_page_names_every_room_and_every_file_beside_them() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = set(re.findall(r"[a-z_]+(?:\.py|/)", page.partition("## Who may import whom")[0]))
    for package in ("matey_core", "matey_cli"):
        for path in (ROOT / package).glob("[!_]*"):
            if path.suffix == ".py" or (path / "__init__.py").is_file():
                assert f"{path.name}{'/' * path.is_dir()}" in named, path
