"""Expressions such as `theta = theta + hy_theta`: parsed, never executed as code."""

import ast
import keyword
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from matey_core.errors import ConfigError

LONGEST = 500
"""Characters of an expression; deeper ones than fit into it could exhaust the parser."""
OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.true_divide,
    ast.Pow: np.power,
    ast.USub: np.negative,
    ast.UAdd: np.positive,
}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    name: getattr(np, name)
    for name in ("sqrt", "exp", "log", "abs", "sin", "cos", "tanh", "minimum", "maximum")
}


@dataclass(frozen=True, slots=True)
class Expression:
    """`target = ` something made of variables, numbers, operators and functions."""

    target: str
    names: tuple[str, ...]
    """Variables that are needed, in the order of the alphabet."""
    tree: ast.expr

    def __call__(self, values: Mapping[str, Any]) -> Any:
        """Evaluate with NumPy's rules; what is undefined becomes NaN or infinite.

        Args:
            values: arrays by name, of anything that NumPy's functions take.
        """
        with np.errstate(all="ignore"):
            return _value(self.tree, values)


def parse(text: str) -> Expression:
    """Read an expression.

    Raises:
        ConfigError: it is not `NAME = EXPRESSION`, or uses what is not allowed.
    """
    target, equals, right = (part.strip() for part in text.partition("="))
    if not equals or not target.isidentifier() or keyword.iskeyword(target):
        raise _refused(text, "it does not begin with a name and =")
    if len(text) > LONGEST:
        raise _refused(text, f"it has more than {LONGEST} characters")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd syntax, which is refused below
            tree = ast.parse(right, mode="eval").body
        names = _names(tree)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise _refused(text, getattr(error, "msg", "") or str(error) or "too deep") from None
    if not names:
        raise _refused(text, "it uses no variable")
    return Expression(target, tuple(sorted(names)), tree)


def _refused(text: str, reason: str) -> ConfigError:
    shown = text if len(text) <= 80 else f"{text[:77]}…"
    return ConfigError(
        f"--derive {shown!r} cannot be read: {reason}.",
        remedy="Write NAME = EXPRESSION, of variables and numbers with + - * / ** and "
        f"{', '.join(FUNCTIONS)}.",
    )


def _names(node: ast.expr) -> set[str]:
    """Collect the variables of a tree; a ValueError says what is not allowed in it."""
    match node:
        case ast.Name(id=name):
            return {name}
        case ast.Constant(value=float() | int() as number) if not isinstance(number, bool):
            _float(number)
            return set()
        case ast.BinOp(left=left, op=operator, right=right) if type(operator) in OPERATORS:
            return _names(left) | _names(right)
        case ast.UnaryOp(op=operator, operand=operand) if type(operator) in OPERATORS:
            return _names(operand)
        case ast.Call(func=ast.Name(id=name), args=parts, keywords=[]) if name in FUNCTIONS:
            needed = getattr(FUNCTIONS[name], "nin", 1)
            if len(parts) != needed:
                raise ValueError(f"{name} takes {needed} values, not {len(parts)}")
            return set().union(*(_names(part) for part in parts))
        case _:
            raise ValueError(f"{ast.unparse(node)} is not allowed")


def _value(node: ast.expr, values: Mapping[str, Any]) -> Any:
    match node:
        case ast.Name(id=name):
            return values[name]
        case ast.Constant(value=float() | int() as number):
            return _float(number)
        case ast.BinOp(left=left, op=operator, right=right):
            found = OPERATORS[type(operator)](_value(left, values), _value(right, values))
        case ast.UnaryOp(op=operator, operand=operand):
            found = OPERATORS[type(operator)](_value(operand, values))
        case ast.Call(func=ast.Name(id=name), args=parts):
            found = FUNCTIONS[name](*(_value(part, values) for part in parts))
        case _:
            raise AssertionError(ast.dump(node))
    # A plain number takes the type of the array it meets; NumPy's own would widen it.
    return float(found) if isinstance(found, np.floating) else found


def _float(number: float) -> float:
    try:
        return float(number)
    except OverflowError:
        raise ValueError("a number is too large") from None
