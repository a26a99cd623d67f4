"""Expressions: NumPy's values, and nothing but arithmetic."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matey_core.errors import ConfigError
from matey_core.sources.expressions import FUNCTIONS, parse

VALUES = {"a": np.array([0.5, 2.0, 3.0]), "b": np.array([1.5, -2.0, 0.25])}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a + b", VALUES["a"] + VALUES["b"]),
        ("-a * 2 - b / 4", -VALUES["a"] * 2 - VALUES["b"] / 4),
        ("a ** 2 ** 0.5", VALUES["a"] ** 2**0.5),
        ("(a + 1) * +b", (VALUES["a"] + 1) * VALUES["b"]),
        (
            "sqrt(a) + exp(b) + log(a)",
            np.sqrt(VALUES["a"]) + np.exp(VALUES["b"]) + np.log(VALUES["a"]),
        ),
        (
            "sin(a) * cos(b) - tanh(a)",
            np.sin(VALUES["a"]) * np.cos(VALUES["b"]) - np.tanh(VALUES["a"]),
        ),
        (
            "minimum(a, b) + maximum(a, 1)",
            np.minimum(*VALUES.values()) + np.maximum(VALUES["a"], 1),
        ),
        ("abs(b)", np.abs(VALUES["b"])),
        ("a + 0 * (1 / 0)", np.full(3, np.nan)),
    ],
)
def test_values_are_numpys(text: str, expected: np.ndarray) -> None:
    expression = pickle.loads(pickle.dumps(parse(f"c = {text}")))
    assert expression.target == "c"
    np.testing.assert_array_equal(expression(VALUES), expected)


def test_numbers_do_not_widen_types() -> None:
    values = {"a": np.ones(2, np.float32)}
    assert parse("c = a * 2.5 + sqrt(2) ** 3")(values).dtype == np.float32


def test_names_are_those_that_are_used() -> None:
    assert parse("theta = theta + hy_theta * exp(z)").names == ("hy_theta", "theta", "z")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "= a",
        "2 = a",
        "c = ",
        "c = 1",
        "c = a b",
        "c = a.real",
        "c = a[0]",
        "c = a if b else a",
        "c = a < b",
        "c = a // b",
        "c = a % b",
        "c = a @ b",
        "c = ~a",
        "c = not a",
        "c = (lambda: a)()",
        "c = [a]",
        "c = f'{a}'",
        "c = 'a' + a",
        "c = 1j * a",
        "c = True * a",
        "c = a := b",
        "c = open(a)",
        "c = __import__('os')",
        "c = sqrt(a, b)",
        "c = minimum(a)",
        "c = sqrt(x=a)",
        "c = sqrt(*a)",
        "c = a.sqrt(a)",
        "c = a = b",
        "lambda = a",
        "c = a + 1" + "0" * 400,
        "c = " + "(" * 400 + "a" + ")" * 90,
        "c = a" + " + a" * 1000,
        "c = 5 (a)",
        "c = a \0",
        "c = a\nb = a",
    ],
)
def test_what_is_not_arithmetic_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="--derive") as caught:
        parse(text)
    assert caught.value.remedy


def test_deep_expressions_can_be_evaluated() -> None:
    for text in ("c = " + "-" * 400 + "a", "c = a" + " + a" * 120):
        assert np.isfinite(parse(text)(VALUES)).all()


@given(st.lists(st.sampled_from([*"ab1.()+-*/, =", *FUNCTIONS]), max_size=30))
def test_any_text_is_read_or_refused(parts: list[str]) -> None:
    try:
        expression = parse(f"c = {''.join(parts)}")
    except ConfigError:
        return
    if set(expression.names) <= VALUES.keys():
        assert np.shape(expression(VALUES)) == (3,)
