"""What is inspected: trajectories, and the settings that cut them into cells."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from matey_core.config import validate
from matey_core.criteria import Estimate
from matey_core.errors import ConfigError
from matey_core.inference import fill_missing
from matey_core.locations import is_url
from matey_core.models import AdaptiveConfig, AdaptiveModel, Inputs, ModelConfig, adaptive_config
from matey_core.profiling import BudgetSolver
from matey_core.runs.folder import newest_run
from matey_core.runs.trained import HISTORY, find_trained
from matey_core.tokenizers import TOKENIZERS, Pass, TokenizerConfig, Tree, grow
from matey_core.workflows.tokenize_inspect.settings import InspectConfig
from matey_core.workflows.tokenize_inspect.source import FrameSource, first_store, open_frames


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenView:
    """Trajectories, and the settings that cut them into cells."""

    frames: FrameSource
    model: AdaptiveConfig
    tokenizer: TokenizerConfig
    history: int
    settings_of: str
    estimate: Estimate | None
    """What the model has learned about its own errors."""

    @property
    def coarse(self) -> TokenizerConfig:
        """Uniform cells of the coarsest size."""
        return TokenizerConfig(name="uniform", patch=self._on_grid.levels[:1])

    @property
    def fine(self) -> TokenizerConfig:
        """Uniform cells of the finest size."""
        return TokenizerConfig(name="uniform", patch=self._on_grid.levels[-1:])

    @property
    def _on_grid(self) -> TokenizerConfig:
        return self.tokenizer.on(self.frames.spec.grid.shape)

    def window(self, sample: int, frame: int) -> Float[Tensor, "1 t c *space"]:
        """(1, t, c, *space) the history that ends with `frame`, as a model is shown it."""
        values = self.frames.read(sample, frame + 1 - self.history, frame + 1)
        return fill_missing(torch.from_numpy(values)[None])[0]

    def grow(self, window: Tensor, tokenizer: TokenizerConfig | None = None) -> Tree:
        """Choose the cells of a window."""
        return grow(
            tokenizer or self.tokenizer,
            window,
            periodic=self.frames.spec.grid.periodic,
            estimate=self.estimate,
        )

    def passes(self, tree: Tree, tokenizer: TokenizerConfig | None = None) -> tuple[Pass, ...]:
        """The passes of cells through the blocks."""
        return TOKENIZERS[(tokenizer or self.tokenizer).name](tree)


def view_of(config: InspectConfig) -> TokenView:
    """Choose data and settings: what is asked for, then the newest run's, then defaults.

    Raises:
        ConfigError: an option that cannot be.
        DataError: there is no data, or it cannot be read.
        CheckpointError: the run asked for is no run.
    """
    trained = None
    if config.run is not None or newest_run(config.runs) is not None:
        trained = find_trained(config.run, runs=config.runs)
    stores = (
        [Path(each.path) for each in trained.records if not is_url(each.path)] if trained else []
    )
    weights = trained.load() if trained else None
    if config.run is None and not isinstance(weights, AdaptiveModel):
        weights = None
    chosen = weights.config if weights else ModelConfig.standard()
    # Without tokens it still has a tokenizer to be looked at.
    model = chosen if isinstance(chosen, AdaptiveConfig) else adaptive_config(chosen, what="--run")
    if config.source is not None:
        frames = open_frames(config.source, data=config.data)
    else:
        there = [path for path in stores if path.is_dir()]
        frames = open_frames(there[0], data=config.data) if there else first_store(config.data)
    usual = min(trained.history if trained else HISTORY, len(frames.times))
    history = config.history or usual
    tokenizer = _tokenizer(config, model)
    if config.flops is not None:
        if {config.gamma, config.ratio, config.tokens} != {None}:
            raise ConfigError("give one of gamma, ratio, tokens and flops")
        solver = BudgetSolver(
            model.with_tokenizer(tokenizer), [inputs_of_frames(frames, history=history)]
        )
        tokenizer = tokenizer.with_tokens(solver.for_flops(config.flops).tokens)
    return TokenView(
        frames=frames,
        model=model,
        tokenizer=tokenizer,
        history=history,
        settings_of=str(trained.path) if trained and weights else "defaults",
        estimate=weights.estimate if isinstance(weights, AdaptiveModel) else None,
    )


def inputs_of_frames(frames: FrameSource, *, history: int) -> Inputs:
    """What a model is shown of these trajectories."""
    grid = frames.spec.grid
    return Inputs(
        grid=grid.shape, periodic=grid.periodic, fields=len(frames.fields), frames=history
    )


def _tokenizer(config: InspectConfig, model: AdaptiveConfig) -> TokenizerConfig:
    """The model's tokenizer with what was asked for laid over it."""
    values: dict[str, Any] = model.tokenization.model_dump(mode="json", exclude_none=True)
    asked = config.model_dump(
        mode="json", include={"patch", "criterion", "gamma", "ratio", "tokens"}, exclude_none=True
    )
    if asked.keys() & {"gamma", "ratio", "tokens"}:
        values.pop("budget")
    if config.tokenizer is not None:
        asked["name"] = config.tokenizer
    elif len(config.patch or ()) == 1:
        asked["name"] = "uniform"
    elif config.patch and values["name"] == "uniform":
        asked["name"] = "adap_mix"
    if asked.get("name", "adap_mix") != "adap_mix":  # which alone can keep parents
        values.pop("keep_parents", None)
    return validate(TokenizerConfig, values | asked, source="tokenize-inspect")


def place_of(config: InspectConfig, view: TokenView) -> tuple[int, int]:
    """Which sample, and which frame is the last of the history.

    Raises:
        ConfigError: there is no such sample or frame.
    """
    samples, frames = len(view.frames.sample_names), len(view.frames.times)
    sample = view.frames.preferred[0] if config.sample is None else config.sample
    if sample >= samples:
        raise ConfigError(
            f"{view.frames.path} has {samples} samples; there is no --sample {sample}.",
            remedy=f"Choose one from 0 to {samples - 1}.",
        )
    earliest = view.history - 1
    if earliest >= frames:
        raise ConfigError(
            f"A history of {view.history} frames needs as many; {view.frames.path} has {frames}.",
            remedy=f"Set --history to {frames} or less.",
        )
    frame = max(frames // 2, earliest) if config.time is None else config.time
    if not earliest <= frame < frames:
        raise ConfigError(
            f"--time {frame} cannot be the last of {view.history} frames; "
            f"{view.frames.path} has frames 0 to {frames - 1}.",
            remedy=f"Choose one from {earliest} to {frames - 1}, or a shorter --history.",
        )
    return sample, frame
