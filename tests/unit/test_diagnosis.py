"""What is said of this machine."""

import tomllib
from pathlib import Path

from matey_core.diagnosis import EXTRAS, Extra

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))


def test_every_extra_for_users_is_named() -> None:
    extras = PROJECT["project"]["optional-dependencies"].keys()
    assert {extra.name for extra in EXTRAS} == extras - {"test", "docs", "dev"}


def test_what_is_not_installed_is_missing() -> None:
    extra = Extra(name="none", gives="nothing", modules=("tomllib", "no_such_package"))
    assert extra.missing == ("no_such_package",)
