"""A section's name chooses the class that reads the rest of it."""

from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest
from pydantic import Field, PositiveInt, model_validator

from matey_core.config import Config, PartConfig, read_toml, validate, write_toml
from matey_core.errors import ConfigError
from matey_core.registry import Registry

SHAPES: Registry[type["Shape"]] = Registry("tests.no_such_package")


class Shape(PartConfig):
    family: ClassVar[Registry[Any]] = SHAPES
    default: ClassVar[str] = "square"


@SHAPES.register("square")
class Square(Shape):
    name: Literal["square"] = "square"
    side: PositiveInt = 2


class Corner(Config):
    radius: float = 0.0


@SHAPES.register("star")
class Star(Shape):
    name: Literal["star"] = "star"
    points: PositiveInt = 5
    corner: Corner = Corner()

    @model_validator(mode="after")
    def _check(self) -> "Star":
        if self.points == 3 and self.corner.radius > 0:
            raise ValueError("a star of 3 points has no round corner")
        return self


class Drawing(Config):
    shape: Shape = Field(default_factory=Shape.standard)
    more: tuple[Shape, ...] = ()


def test_the_name_chooses_the_class_and_without_one_the_default_does() -> None:
    assert validate(Drawing, {}, source="").shape == Square()
    assert validate(Drawing, {"shape": {"side": 7}}, source="").shape == Square(side=7)
    assert validate(Drawing, {"shape": {"name": "star"}}, source="").shape == Star()
    assert validate(Drawing, {"shape": "star"}, source="").shape == Star()
    assert Drawing(shape=Star(points=3)).shape == Star(points=3)


def test_what_is_written_is_the_parts_own_section(tmp_path: Path) -> None:
    drawing = Drawing(shape=Star(points=7), more=(Square(), Star(corner=Corner(radius=0.5))))
    write_toml(drawing, tmp_path / "drawing.toml")
    plain = read_toml(tmp_path / "drawing.toml")
    assert plain["shape"] == {"name": "star", "points": 7, "corner": {"radius": 0.0}}
    assert validate(Drawing, plain, source="") == drawing


def test_foreign_and_misspelled_keys_are_refused_with_what_is_near() -> None:
    with pytest.raises(ConfigError) as caught:
        validate(
            Drawing,
            {
                "shape": {"points": 3},
                "more": [
                    {"name": "star", "pints": 4},
                    {"name": "star", "corner": {"radios": 1.0}},
                    {"name": "stare"},
                    {"side": -1},
                    5,
                ],
            },
            source="here",
        )
    text = str(caught.value)
    assert "unknown setting 'shape.points'; known are name, side (star has it)" in text
    assert "unknown setting 'more.0.pints'; did you mean 'more.0.points'?" in text
    assert "unknown setting 'more.1.corner.radios'; did you mean 'more.1.corner.radius'?" in text
    assert (
        "more.2: unknown name 'stare' in no_such_package; names are square, star. Did you mean"
        in text
    )
    assert "more.3.side: input should be greater than 0, found -1" in text
    assert "more.4: should be a section, or the name of a part, found 5" in text


def test_what_is_wrong_with_a_whole_part_is_said_of_its_section() -> None:
    with pytest.raises(ConfigError, match=r"more\.0: a star of 3 points has no round"):
        validate(
            Drawing,
            {"more": [{"name": "star", "points": 3, "corner": {"radius": 1.0}}]},
            source="",
        )
    with pytest.raises(ConfigError, match="here: unknown name 'stare' in no_such_package"):
        validate(Shape, {"name": "stare"}, source="here")
    with pytest.raises(ConfigError, match=r"here: unknown setting 'pints'"):
        validate(Shape, {"name": "star", "pints": 4}, source="here")


def test_a_question_at_the_end_gets_no_full_stop() -> None:
    with pytest.raises(ConfigError, match=r"Did you mean 'star'\?$"):
        validate(Drawing, {"shape": "stare"}, source="here")
