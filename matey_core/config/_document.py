"""A TOML file that explains every setting; what is the default stands in it as a comment."""

import textwrap
from typing import Any

import tomli_w

from matey_core.config._base import Config
from matey_core.config._explain import SettingFact, explain

WIDTH = 96
"""Characters of a line."""


def commented_toml(config: Config, *, title: str) -> str:
    """Write settings as TOML, each below a comment with its meaning and its values.

    Lines of settings that have their default begin with `#` and no space after it. So the file
    says only what was chosen, and a later version's better default is taken.

    Args:
        config: the settings.
        title: the first line, a comment.
    """
    lines = [f"# {title}", "# A line that begins with # and no space shows a default.", ""]
    for fact in explain(type(config), config):
        if fact.is_section:
            lines += [*_comment(fact), f"[{fact.path}]", ""]
        else:
            lines += [*_comment(fact), *_assignment(fact), ""]
    return "\n".join(lines)


def _comment(fact: SettingFact) -> list[str]:
    has_choice = bool(fact.parts) if fact.is_section else not fact.names_part
    values = f"[{fact.allowed}]" if has_choice else ""
    text = " ".join(filter(None, (fact.meaning, values)))
    return textwrap.wrap(text, WIDTH, initial_indent="# ", subsequent_indent="# ")


def _assignment(fact: SettingFact) -> list[str]:
    if fact.value is None:
        return [f"#{fact.name} ="]
    mark = "#" if fact.value == fact.default else ""
    return [f"{mark}{fact.name} = {_written(fact.value)}"]


def _written(value: Any) -> str:
    """A value in one line."""
    if isinstance(value, dict):
        items = ", ".join(f"{_key(key)} = {_written(each)}" for key, each in value.items())
        return f"{{ {items} }}" if items else "{}"
    if isinstance(value, list):
        return f"[{', '.join(map(_written, value))}]"
    return tomli_w.dumps({"_": value}).removeprefix("_ = ").rstrip()


def _key(name: str) -> str:
    return tomli_w.dumps({name: 0}).removesuffix(" = 0\n")
