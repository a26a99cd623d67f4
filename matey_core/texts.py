"""Text from files of unknown origin, shown such that it cannot pretend to be something else."""

import re

_CONTROLS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Characters that act on a terminal, or change the order of letters; not the line feed."""


def visible(text: str) -> str:
    r"""Show control characters as text, such as `\x1b`: names in files may hold any.

    Otherwise a name could clear the screen, change colors, or fake lines of matey.
    """
    return _CONTROLS.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
