"""Options that studies share."""

from pathlib import Path
from typing import Annotated, Literal

import typer

BatchSize = Annotated[
    int | None, typer.Option(min=1, help="Windows of a step, over all processes.  [default: 8]")
]
Preset = Annotated[
    Literal["ti", "s", "b", "l"] | None,
    typer.Option(help="Size of the model, small to large.  [default: ti]", show_default=False),
]
History = Annotated[
    int | None, typer.Option(min=1, help="Frames that the model is given.  [default: 4]")
]
MaxLead = Annotated[
    int | None, typer.Option(min=1, help="Largest lead time, in frames.  [default: 4]")
]
PrecisionName = Annotated[
    Literal["auto", "float32", "bfloat16"] | None,
    typer.Option(help="auto takes bfloat16 where it is faster and as good.  [default: auto]"),
]
RunsFolder = Annotated[
    Path | None, typer.Option(help="Folder of the runs.  [default: runs]", show_default=False)
]


def names(text: str | None) -> tuple[str, ...] | None:
    """Read a list of names, such as flip,noise."""
    return None if text is None else tuple(part.strip() for part in text.split(","))


def sizes(text: str | None, *, example: str = "32,8") -> tuple[int, ...] | None:
    """Read a list of sizes, such as 32,8."""
    if text is None:
        return None
    try:
        numbers = tuple(int(part) for part in text.split(","))
    except ValueError:
        numbers = ()
    if not numbers or min(numbers) < 1:
        raise typer.BadParameter(f"{text!r} is no list of sizes; write it as {example}")
    return numbers
