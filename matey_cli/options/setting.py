"""What a settings class says of one of its settings: type, limits, choices, default, meaning."""

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from matey_cli.options.source import FoundClass, find, lineage, registered
from matey_core.registry import Registry

NUMBERS: Mapping[str, tuple[type, float | None, bool]] = {
    "PositiveInt": (int, 1, False),
    "NonNegativeInt": (int, 0, False),
    "PositiveFloat": (float, 0, True),
    "NonNegativeFloat": (float, 0, False),
}
"""Names of pydantic: type, smallest value, whether values must be above it."""
PLAIN = {"bool": bool, "int": int, "float": float, "str": str, "Path": Path, "dict": dict}


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting, as its class states it."""

    kind: type = str
    """bool, int, float, str, Path or dict; of a list, the type of its items."""
    separator: str = ""
    """Between the items of a list; empty where there is one value."""
    choices: tuple[str, ...] = ()
    """The only values, of a list those of its items; empty where any is allowed."""
    low: float | None = None
    high: float | None = None
    excludes_low: bool = False
    """The value must be above `low`."""
    default: Any = None
    """A plain value; None where there is none."""
    meaning: str = ""
    """First sentence of the setting's docstring."""


class SettingLine(NamedTuple):
    """The lines of a class that declare a setting."""

    module: str
    annotation: ast.expr
    value: ast.expr | None
    docstring: str


def read(settings: str, path: str) -> Setting:
    """Look a setting up in the source of its class.

    Args:
        settings: "module:Class".
        path: such as "model.tokenizer.name"; a part that is chosen by name may stand on the
            way: the setting is then looked for in the default part as well.

    Raises:
        LookupError: the class has no such setting.
    """
    module, _, name = settings.partition(":")
    owner = find(module, name)
    given: dict[str, Any] = {}
    *sections, last = path.split(".")
    line = None
    for section in sections:
        line = line_of(owner, section)
        owner = section_of(line)
        value = given[section] if section in given else value_of(line.module, line.value)
        given = value if isinstance(value, dict) else {}
    if owner is not None and last == constant(owner, "key", "name") and family(owner):
        choices = Registry[Any](family(owner)).names()
        default = given.get(last, constant(owner, "default"))
        return Setting(choices=choices, default=default, meaning=_meaning(owner, last, line))
    line = line_of(owner, last)
    found = replace(_typed(line.module, line.annotation), meaning=_sentence(line.docstring))
    found = _limited(found, line.value)
    return replace(found, default=given.get(last, value_of(line.module, line.value)))


def line_of(
    owner: FoundClass | None,
    name: str,
    kinds: Callable[[FoundClass], Iterator[FoundClass]] | None = None,
) -> SettingLine:
    """Find the declaration of a setting, the nearest one where several classes have it.

    Raises:
        LookupError: none of them has it.
    """
    for kind in () if owner is None else (kinds or holders)(owner):
        body = kind.node.body if isinstance(kind.node, ast.ClassDef) else []
        for node, after in zip(body, [*body[1:], None], strict=True):
            match node:
                case ast.AnnAssign(target=ast.Name(id=target)) if target == name:
                    return SettingLine(kind.module, node.annotation, node.value, _text(after))
    raise LookupError(f"There is no setting {name!r}.")


def holders(owner: FoundClass, name: str = "") -> Iterator[FoundClass]:
    """A class and those above it; of a family, those of a part before, by default its default."""
    if package := family(owner):
        part = registered(package, name or constant(owner, "default"))
        if part is not None and part.node is not owner.node:
            yield from lineage(part)
    yield from lineage(owner)


def section_of(line: SettingLine) -> FoundClass | None:
    """Find the class of the settings in a section; None for a value."""
    annotation = line.annotation
    return find(line.module, annotation.id) if isinstance(annotation, ast.Name) else None


def _text(node: ast.stmt | None) -> str:
    match node:
        case ast.Expr(value=ast.Constant(value=str(text))):
            return text
    return ""


def _sentence(docstring: str) -> str:
    first = re.split(r"(?<=\.)\s+(?=[A-Z`])", " ".join(docstring.split()))[0]
    return first.replace("`", "")


def _meaning(owner: FoundClass, key: str, line: SettingLine | None) -> str:
    """What a part is for, from the docstring of its key, its section or its base class."""
    texts = [line.docstring if line else ""]
    with suppress(LookupError):
        texts.insert(0, line_of(owner, key, lineage).docstring)
    if isinstance(owner.node, ast.ClassDef):
        texts.append(ast.get_docstring(owner.node) or "")
    return next((_sentence(text) for text in texts if text), "")


def constant(owner: FoundClass, name: str, otherwise: Any = None) -> Any:
    """Value of a class variable."""
    for kind in lineage(owner):
        for node in getattr(kind.node, "body", ()):
            if isinstance(node, ast.AnnAssign | ast.Assign):
                target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
                if isinstance(target, ast.Name) and target.id == name and node.value:
                    return value_of(kind.module, node.value)
    return otherwise


def family(owner: FoundClass) -> str:
    """Package of the registry from which a part is chosen; empty where none is."""
    return str(constant(owner, "family") or "")


def _typed(module: str, node: ast.expr) -> Setting:
    """Read an annotation."""
    match node:
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            empty = isinstance(left, ast.Constant) and left.value is None
            return _typed(module, right if empty else left)
        case ast.Subscript(value=ast.Name(id="Literal"), slice=inner):
            names = inner.elts if isinstance(inner, ast.Tuple) else [inner]
            return Setting(choices=tuple(str(value_of(module, name)) for name in names))
        case ast.Subscript(value=ast.Name(id="tuple" | "list"), slice=inner):
            item = inner.elts[0] if isinstance(inner, ast.Tuple) else inner
            return replace(_typed(module, item), separator=",")
        case ast.Subscript(value=ast.Name(id="Annotated"), slice=ast.Tuple(elts=[kind, *limits])):
            setting = _typed(module, kind)
            for limit in limits:
                setting = _limited(setting, limit)
            return setting
        case ast.Subscript(value=kind):
            return _typed(module, kind)
        case ast.Name(id=name) if name in NUMBERS:
            number, low, is_open = NUMBERS[name]
            return Setting(kind=number, low=low, excludes_low=is_open)
        case ast.Name(id=name) if name in PLAIN:
            return Setting(kind=PLAIN[name])
        case ast.Name(id=name) if found := find(module, name):
            if not isinstance(found.node, ast.ClassDef):
                return _typed(*found)  # type: ignore[arg-type]
            package = family(found)
            return Setting(choices=Registry[Any](package).names() if package else ())
    return Setting()


def _limited(setting: Setting, node: ast.expr | None) -> Setting:
    """Take the limits of `Field(ge=…, lt=…)`."""
    if not isinstance(node, ast.Call):
        return setting
    limits = {word.arg: value_of("", word.value) for word in node.keywords}
    low, high = limits.get("gt", limits.get("ge")), limits.get("lt", limits.get("le"))
    if low is not None:
        setting = replace(setting, low=low, excludes_low="gt" in limits)
    return setting if high is None else replace(setting, high=high)


def value_of(module: str, node: ast.AST | None) -> Any:
    """Plain value of an expression; None where only running it would tell."""
    match node:
        case ast.Constant(value=value):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -value_of(module, operand)
        case ast.Tuple(elts=items) | ast.List(elts=items):
            return tuple(value_of(module, item) for item in items)
        case ast.Dict(keys=keys, values=values):
            names = (value_of(module, key) for key in keys)
            return dict(zip(names, (value_of(module, value) for value in values), strict=True))
        case ast.Name(id="__name__"):
            return module
        case ast.Name(id=name) if found := find(module, name):
            return value_of(*found)
        case ast.FunctionDef(body=[*_, ast.Return(value=body)]):
            return value_of(module, body)
        case ast.Lambda(body=body):
            return value_of(module, body)
        case ast.Call():
            return _called(module, node)
    return None


def _called(module: str, call: ast.Call) -> Any:
    """Value of Path(…), Registry(…), Field(…), or of the settings class that is called."""
    words = {word.arg: word.value for word in call.keywords}
    first = call.args[0] if call.args else None
    match call.func:
        case ast.Name(id="Field"):
            return value_of(module, words.get("default", words.get("default_factory", first)))
        case ast.Name(id=name) if (kind := find(module, name)) and first is None:
            part = constant(kind, "name") if isinstance(kind.node, ast.ClassDef) else None
            given = {str(key): value_of(module, value) for key, value in words.items()}
            return {"name": part, **given} if isinstance(part, str) else given
        case ast.Attribute(value=ast.Name(id=name), attr="standard"):
            kind = find(module, name)
            return {"name": constant(kind, "default")} if kind else {}
        case ast.Attribute(value=tokenizer, attr="with_ratio"):
            return {**value_of(module, tokenizer), "budget": {"name": "ratio"}}
    return value_of(module, first)
