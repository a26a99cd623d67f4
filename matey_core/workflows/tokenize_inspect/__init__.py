"""Show which cells a model cuts a field into, and what that saves."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from matey_core.attention import SCHEMES
from matey_core.errors import ConfigError
from matey_core.models import num_pairs
from matey_core.progress import OnProgress, Progress, silent
from matey_core.reports.cells import Picture, picture_of, pointwise
from matey_core.tokenizers import TokenizerConfig, Tree, num_tokens
from matey_core.workflows.tokenize_inspect.settings import InspectConfig
from matey_core.workflows.tokenize_inspect.view import (
    TokenView,
    inputs_of_frames,
    place_of,
    view_of,
)

__all__ = [
    "AttentionCost",
    "InspectReport",
    "LevelCount",
    "Picture",
    "SurveyRow",
    "inspect",
]

NUM_TIMES = 16
"""Times of every sample that a survey looks at, evenly spread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelCount:
    """Leaves of one size."""

    patch: tuple[int, ...]
    cells: int
    area: float
    """Fraction of the domain that they cover."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttentionCost:
    """Pairs of tokens that a block of one scheme compares, over the whole history."""

    scheme: str
    pairs: int | None
    """None where the scheme cannot serve these cells."""
    coarse_pairs: int
    """With coarse cells everywhere."""
    fine_pairs: int
    """With fine cells everywhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyRow:
    """Tokens of one sample over its times."""

    sample: int
    name: str
    num_times: int
    mean_tokens: float
    min_tokens: int
    max_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectReport:
    """One field with its cells, or a survey of many."""

    source: Path
    settings_of: str
    """The model directory that the settings come from, or "defaults"."""
    has_tokens: bool
    """Whether the model uses these cells; a pyramid of depth 0 does not."""
    tokenizer: TokenizerConfig
    scheme: str
    fields: tuple[str, ...]
    field: str
    grid: tuple[int, ...]
    history: int
    sample: int
    sample_name: str
    frame: int
    time: float
    tokens: int
    """Tokens a frame."""
    coarse_tokens: int
    """The same with coarse cells everywhere."""
    fine_tokens: int
    """The same with fine cells everywhere."""
    flops: int | None
    """Operations of one forward pass with these cells; None where there is no formula."""
    levels: tuple[LevelCount, ...]
    attention: tuple[AttentionCost, ...]
    survey: tuple[SurveyRow, ...]
    """Empty unless asked for."""
    picture: Picture = dataclasses.field(metadata={"document": False})


def inspect(config: InspectConfig, on_progress: OnProgress = silent) -> InspectReport:
    """Choose the cells of one sample and time, as a model would, and count what they cost.

    Raises:
        ConfigError: an option that cannot be.
        DataError: there is no data, or it cannot be read.
        ShapeError: the grid is smaller than a patch.
        CheckpointError: the run asked for is no run.
    """
    on_progress(Progress(task="inspect", done=0, total=None))
    view = view_of(config)
    sample, frame = place_of(config, view)
    window = view.window(sample, frame)
    tree = view.grow(window)
    name = config.field or view.frames.fields[0]
    if name not in view.frames.fields:
        raise ConfigError(
            f"{view.frames.path} has no field {name!r}; it has {', '.join(view.frames.fields)}.",
            remedy="Name one of these with --field.",
        )
    values = window[0, -1, view.frames.fields.index(name)].numpy()
    return InspectReport(
        source=view.frames.path,
        settings_of=view.settings_of,
        has_tokens=view.model.has_tokens,
        tokenizer=view.tokenizer,
        scheme=view.model.scheme,
        fields=view.frames.fields,
        field=name,
        grid=values.shape,
        history=view.history,
        sample=sample,
        sample_name=view.frames.sample_names[sample],
        frame=frame,
        time=float(view.frames.times[frame]),
        tokens=int(num_tokens(view.passes(tree))),
        coarse_tokens=int(num_tokens(view.passes(view.grow(window, view.coarse), view.coarse))),
        fine_tokens=int(num_tokens(view.passes(view.grow(window, view.fine), view.fine))),
        flops=_flops(view, tree),
        levels=_levels(tree),
        attention=tuple(_attention(view, window, scheme) for scheme in SCHEMES.names()),
        survey=_survey(view, on_progress) if config.survey else (),
        picture=picture_of(values, tree, axes=view.frames.axes, unit=view.frames.units[name]),
    )


def _attention(view: TokenView, window: torch.Tensor, scheme: str) -> AttentionCost:
    """Compare the cells with coarse and with fine ones everywhere."""
    pairs = []
    for tokenizer in (view.tokenizer, view.coarse, view.fine):
        tree = view.grow(window, tokenizer)
        shape = tuple(window.shape[3:])
        cells = view.passes(tree, tokenizer)
        pairs.append(num_pairs(scheme, cells, tree, shape=shape, history=view.history))
    adaptive, coarse, fine = pairs
    return AttentionCost(
        scheme=scheme, pairs=adaptive, coarse_pairs=coarse or 0, fine_pairs=fine or 0
    )


def _flops(view: TokenView, tree: Tree) -> int | None:
    """Operations of the model with these cells, if its scheme can serve them."""
    try:
        settings = view.model.with_tokenizer(view.tokenizer)
        inputs = inputs_of_frames(view.frames, history=view.history)
        return settings.cost_of(tree, inputs).flops
    except ConfigError:
        return None


def _levels(tree: Tree) -> tuple[LevelCount, ...]:
    levels, _ = pointwise(tree)
    points = np.bincount(levels.reshape(-1), minlength=tree.num_levels) / levels.size
    counts = tree.counts()[0].tolist()
    return tuple(
        LevelCount(patch=patch, cells=cells, area=area)
        for patch, cells, area in zip(tree.patches, counts, points.tolist(), strict=True)
    )


def _survey(view: TokenView, on_progress: OnProgress) -> tuple[SurveyRow, ...]:
    earliest, last = view.history - 1, len(view.frames.times) - 1
    frames = np.unique(np.linspace(earliest, last, NUM_TIMES).round().astype(int)).tolist()
    samples, rows = view.frames.preferred, []
    for number, sample in enumerate(samples):
        counts = []
        for index, frame in enumerate(frames):
            done = number * len(frames) + index
            total = len(samples) * len(frames)
            on_progress(Progress(task="count tokens", done=done, total=total, unit="windows"))
            tree = view.grow(view.window(sample, frame))
            counts.append(int(num_tokens(view.passes(tree))))
        rows.append(
            SurveyRow(
                sample=sample,
                name=view.frames.sample_names[sample],
                num_times=len(counts),
                mean_tokens=float(np.mean(counts)),
                min_tokens=min(counts),
                max_tokens=max(counts),
            )
        )
    return tuple(rows)
