"""Command lines that nobody would type."""

from random import Random
from typing import Any

from matey_cli.lazy import load, paths
from tests.fuzz.mutations import NUMBERS, TEXTS

PLACES = ("data", "runs", "one", "runs/one/model", "runs/one/config.toml", ".", "gone")
PAIRS = (
    "model.depth=1",
    "x=y",
    "=",
    "a.b.c=1",
    "model={}",
    "steps=nan",
    "model.width=inf",
    "seed=",
)
NEVER = {"--dask", "--install-completion", "--show-completion", "--nproc", "--debug", "--compile"}
"""Options that connect to elsewhere, change the shell, start other processes, show tracebacks, or
take half a minute to compile."""
ENDS = {
    "pretrain": ("--steps", "1", "--preset", "nano", "--batch-size", "2"),
    "finetune": ("--steps", "1", "--batch-size", "2"),
    "simulate": ("--grid", "8", "--samples", "1", "--steps", "1"),
    "rollout": ("--steps", "2", "--batch-size", "2"),
    "profile": ("--seconds", "0.1", "--grid", "8,8"),
    "prepare": ("--workers", "1"),
}
"""Stand last, and win: what a person asks for may take any time."""


def command_line(random: Random) -> tuple[str, ...]:
    """Draw a command, some of its options, and values that may be of the wrong type."""
    path = random.choice([path for path in paths() if path[0] != "study"])
    command: Any = load(*path)
    line = [*path]
    for parameter in command.params:
        if parameter.param_type_name == "argument":
            if random.random() < 0.8:
                line.append(_value(parameter, random))
        elif random.random() < 0.12 and not NEVER & set(parameter.opts):
            line.append(random.choice([*parameter.opts, *parameter.secondary_opts]))
            if not getattr(parameter, "is_flag", False):
                line.append(_value(parameter, random))
    if random.random() < 0.05:
        line.insert(random.randrange(len(line)), random.choice((*TEXTS, *PLACES)))
    return (*(text.replace("\0", "") for text in line), *ENDS.get(path[0], ()))


def _value(parameter: Any, random: Random) -> str:
    choices = [*getattr(getattr(parameter, "type", None), "choices", ())]
    texts = [text for text in TEXTS if "outside" not in text]
    kinds = (map(str, NUMBERS), texts, PLACES, PAIRS, choices or PLACES, choices or ("1", "2,3"))
    return random.choice([*random.choice(kinds)])
