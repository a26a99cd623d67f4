"""Options that several commands share."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from matey_core.errors import ConfigError

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
Assignments = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Any setting, such as schedule.warmup=0.1."),
]
PrecisionName = Annotated[
    Literal["auto", "float32", "bfloat16"] | None,
    typer.Option(help="auto takes bfloat16 where it is faster and as good.  [default: auto]"),
]
DeviceName = Annotated[
    Literal["auto", "cpu", "cuda"] | None,
    typer.Option(help="auto takes all GPUs, or else the CPU.  [default: auto]"),
]
Processes = Annotated[
    int | None,
    typer.Option(min=1, help="Processes that share the work.  [default: one a GPU, or one]"),
]
Sharing = Annotated[
    int | None,
    typer.Option(
        min=1, help="Processes that share every sample, a part of its tokens each.  [default: 1]"
    ),
]
RunsFolder = Annotated[
    Path | None, typer.Option(help="Folder of the runs.  [default: runs]", show_default=False)
]
SettingsFile = Annotated[
    Path | None, typer.Option(help="TOML file with settings; options go before it.")
]
Patch = Annotated[
    str | None, typer.Option(help="Points per axis of a cell, coarse to fine, such as 32,8.")
]
Gamma = Annotated[
    float | None, typer.Option(min=0, help="Refine cells above this fraction of the largest score.")
]
Ratio = Annotated[
    float | None,
    typer.Option(min=0, max=1, help="Refine this fraction of the cells, worst first."),
]
Tokens = Annotated[
    int | None,
    typer.Option(min=1, help="Tokens a frame: refine as many cells, worst first, as make these."),
]
Flops = Annotated[
    str | None,
    typer.Option(
        metavar="NUMBER",
        help="Operations of a sample and forward pass, such as 2.5G: as many tokens as they buy.",
    ),
]
Seconds = Annotated[
    float | None,
    typer.Option(min=0.001, help="Of a step here, measured first: as many tokens as they buy."),
]
TokensRange = Annotated[
    str | None,
    typer.Option(
        metavar="FEW,MANY", help="Every batch draws its tokens a frame from here, such as 100,400."
    ),
]
Compile = Annotated[
    bool, typer.Option("--compile", help="Fuse the model's parts with torch.compile.")
]
Augment = Annotated[
    str | None,
    typer.Option(
        help="What is done to training batches, in order, such as flip,roll,noise; flip, rotate, "
        "roll, scale or noise.  [default: noise]"
    ),
]


Weights = Annotated[
    str | None,
    typer.Option(
        help="Weights of stores, such as NAME=2,OTHER=0.5; 1 for those not named.  [default: by "
        "--mix-exponent]",
        show_default=False,
    ),
]
MixExponent = Annotated[
    float | None,
    typer.Option(
        min=0,
        help="Stores are drawn by their windows to this power: 0 all alike, 1 in proportion.  "
        "[default: 0.5]",
    ),
]
Workers = Annotated[
    int | None, typer.Option(min=0, help="Threads that read batches ahead.  [default: 2]")
]


SI = {"k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15}


def number(text: str | None) -> float | None:
    """Read a positive number with an SI suffix, such as 2.5G."""
    if text is None:
        return None
    digits, factor = (text[:-1], SI[text[-1]]) if text[-1:] in SI else (text, 1.0)
    try:
        value = float(digits) * factor
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise typer.BadParameter(f"{text!r} is no positive number; write it as 2.5G or 3e9")
    return value


def one_budget(**budgets: object) -> None:
    """Refuse two budgets for the same thing.

    Raises:
        ConfigError: more than one is given.
    """
    given = [f"--{name}" for name, value in budgets.items() if value is not None]
    if len(given) > 1:
        raise ConfigError(
            f"{' and '.join(given)} are budgets for the same thing.", remedy="Give one of them."
        )


def shares(text: str | None) -> dict[str, float] | None:
    """Read weights by name, such as NAME=2,OTHER=0.5."""
    if text is None:
        return None
    pairs = [part.rpartition("=") for part in text.split(",")]
    try:
        return {name.strip(): float(number) for name, _, number in pairs}
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is no list of weights; write it as NAME=2,OTHER=0.5"
        ) from None


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
