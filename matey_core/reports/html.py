"""HTML made of tags: every text is escaped, as names in runs and stores may hold anything."""

import html

from matey_core.texts import visible


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


Child = str | float | None
"""`Html` as it is; other text and numbers are escaped; None is left out."""

VOID = frozenset({"img", "meta", "link", "br", "path", "polyline", "polygon", "line", "image"})
"""Tags without content."""


def tag(name: str, /, *children: Child, **attributes: Child) -> Html:
    """Write an element.

    Args:
        name: of the tag.
        children: what is in it.
        attributes: `class_` is class, and `stroke_width` is stroke-width; None leaves one out.
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_escaped(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in VOID:
        return Html(f"<{name}{written}/>")
    return Html(f"<{name}{written}>{joined(*children)}</{name}>")


def joined(*children: Child) -> Html:
    """Write some elements or texts one after another."""
    return Html("".join(_child(child) for child in children if child is not None))


def _child(child: Child) -> str:
    return str(child) if isinstance(child, Html) else _escaped(child)


def _escaped(value: Child) -> str:
    return html.escape(visible(str(value)), quote=True)
