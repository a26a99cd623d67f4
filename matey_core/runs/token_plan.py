"""The token plan of a run: what its budget comes to on every store, decided before training."""

import random
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch

from matey_core.batches import FieldBatch
from matey_core.data import Windows
from matey_core.distributed import Strategy
from matey_core.errors import ConfigError
from matey_core.inference import Variation
from matey_core.models import AdaptiveConfig, Inputs, Model, ModelConfig, adaptive, adaptive_config
from matey_core.profiling import BudgetSolver
from matey_core.runs.budget import (
    TokenBudget,
    Work,
    affordable_tokens,
    costliest,
    describe,
    has_fixed_shapes,
    inputs_of,
    training_step,
)
from matey_core.runs.settings import TrainingConfig
from matey_core.runs.sources import StoreWindows
from matey_core.training import TrainState, Within

OF_TOKENS = ("flops", "seconds", "tokens", "tokens_range", "jitter")
"""Settings of a run that only a model with tokens can follow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPlan:
    """How a run cuts fields into tokens: the same in all processes, and after a resume."""

    model: ModelConfig
    """Settings of the model, the budget written in as a number of tokens."""
    inputs: tuple[Inputs, ...]
    """What it is shown of every store; with jitter, where it takes most cells."""
    varying: tuple[str, ...] = ()
    """Stores whose numbers of cells change from batch to batch, so that nothing is compiled for
    them; empty where nothing shall be compiled."""
    numbers: tuple[int, ...] = ()
    """Numbers of tokens that every batch draws one of; empty: the model's own."""
    jitters: bool = False
    """Whether every step shifts the cells."""
    seed: int = 0
    """Of the drawn numbers and shifts."""
    budget: str = ""
    """A sentence about what a budget came to; empty without one."""

    def check(self, model: Model, sources: Sequence[StoreWindows]) -> None:
        """Refuse before the first step what a later one could not do.

        Raises:
            ConfigError: the model cannot shift its cells, or a shift has no tree of cells.
            ShapeError: a grid is smaller than a patch.
        """
        if self.jitters:
            for source in sources:
                Variation(jitter=self.seed).check(model, source.store.spec.grid)

    def each_step(self) -> tuple[Within, ...]:
        """What holds while the model predicts a batch, as seed and step decide."""
        drawn = (self._drawn_number,) if self.numbers else ()
        return (*drawn, self._drawn_shift) if self.jitters else drawn

    def number_at(self, step: int) -> int | None:
        """Tokens of a frame that a step draws; None where it draws none."""
        if not self.numbers:
            return None
        return random.Random(f"{self.seed} tokens {step}").choice(self.numbers)

    def compiling_note(self, *, recompute: bool) -> str:
        """Say what torch.compile leaves out, and why; empty where it leaves out nothing."""
        if not self.varying:
            return ""
        why = "numbers of tokens, or of cells at padded edges, change from batch to batch"
        if isinstance(self.model, AdaptiveConfig) and not self.model.tokenization.has_number:
            why = "with γ the number of tokens changes from batch to batch; tokens or ratio fix it"
        names = ", ".join(self.varying)
        if recompute:
            return (
                f"Nothing is compiled, because of {names}: {why}, and recompute=true would "
                "compile anew for each."
            )
        return f"Not compiled on {names}: {why}."

    def _drawn_number(self, state: TrainState, batch: FieldBatch) -> AbstractContextManager[None]:
        tokens = self.number_at(state.step)
        assert tokens is not None
        model = adaptive(state.model, what="tokens_range")
        return model.retokenized(model.tokenizing.with_tokens(tokens))

    def _drawn_shift(self, state: TrainState, batch: FieldBatch) -> AbstractContextManager[None]:
        model = adaptive(state.model, what="jitter")
        return model.jittered(batch.spec.grid, seed=self.seed, step=state.step)


def plan_tokens(
    config: TrainingConfig,
    model: ModelConfig,
    sources: Sequence[StoreWindows],
    strategy: Strategy,
    *,
    make: Callable[[], Model],
) -> TokenPlan:
    """Turn a run's budget into numbers of tokens, the same for all processes.

    Args:
        config: holds the budget.
        model: settings of the model.
        sources: what it will train on.
        strategy: the processes; the first one measures for all.
        make: makes a model to measure with, which is thrown away.

    Raises:
        ConfigError: the budget cannot be met, or the model cuts no cells.
        ShapeError: a grid is smaller than a patch.
    """
    if isinstance(model, AdaptiveConfig):
        for name in asks_for_tokens(config, model):
            adaptive_config(model, what=name)
    shown = [
        inputs_of(part.store, history=part.training.history, moves=config.jitter)
        for part in sources
    ]
    numbers: tuple[int, ...] = ()
    budget = ""
    if config.tokens_range is not None:
        settings = adaptive_config(model, what="tokens_range")
        numbers = numbers_between(settings, shown, config.tokens_range)
        model = _with_tokens(settings, settings.tokenization.tokens or numbers[-1])
        budget = f"Every batch draws its tokens a frame from {', '.join(map(str, numbers))}."
    elif asked := TokenBudget(flops=config.flops, seconds=config.seconds):
        settings = adaptive_config(model, what="A budget of operations or seconds")
        tokens, budget = _agreed(asked, config, settings, sources, shown, strategy, make)
        model = _with_tokens(settings, tokens)
    return TokenPlan(
        model=model,
        inputs=tuple(shown),
        varying=_varying(model, sources, shown) if config.compile else (),
        numbers=numbers,
        jitters=config.jitter,
        seed=config.seed,
        budget=budget,
    )


def numbers_between(
    config: AdaptiveConfig, stores: Sequence[Inputs], bounds: tuple[int, int]
) -> tuple[int, ...]:
    """List the numbers of tokens that training draws from.

    Args:
        config: of the model.
        stores: what it is shown of each.
        bounds: the smallest and the largest number asked for.

    Raises:
        ConfigError: the cells are uniform, or the smallest number is below the coarsest cells.
    """
    if config.tokenization.name == "uniform":
        raise ConfigError(
            "tokens_range needs an adaptive tokenizer; model.tokenizer.name is uniform.",
            remedy="Choose model.tokenizer.name=adap_mix or adap_mul.",
        )
    return BudgetSolver(config, stores).spread(*bounds)


def _varying(
    model: ModelConfig, sources: Sequence[StoreWindows], shown: Sequence[Inputs]
) -> tuple[str, ...]:
    if not isinstance(model, AdaptiveConfig):
        return ()
    return tuple(
        part.store.name
        for part, inputs in zip(sources, shown, strict=True)
        if not has_fixed_shapes(model, inputs)
    )


def _with_tokens(model: AdaptiveConfig, tokens: int) -> AdaptiveConfig:
    return model.with_tokenizer(model.tokenization.with_tokens(tokens))


def _agreed(
    asked: TokenBudget,
    config: TrainingConfig,
    model: AdaptiveConfig,
    sources: Sequence[StoreWindows],
    shown: Sequence[Inputs],
    strategy: Strategy,
    make: Callable[[], Model],
) -> tuple[int, str]:
    """Let the first process find the number of tokens, and take its word."""
    answer: tuple[int, str] | None = None
    if strategy.place.is_first:
        source = sources[costliest(model, shown)] if asked.seconds is not None else sources[0]
        prepare = _steps(config, model, source.training, strategy, make)
        result = affordable_tokens(asked, model, shown, device=strategy.device, prepare=prepare)
        sentence = describe(asked, result, of_what=f"a step of {config.batch_size} windows")
        answer = (result.tokens, sentence)
    tokens, sentence = strategy.broadcast(answer)
    return tokens, sentence


def _steps(
    config: TrainingConfig,
    model: AdaptiveConfig,
    windows: Windows,
    strategy: Strategy,
    make: Callable[[], Model],
) -> Callable[[int], Work]:
    """Steps on the store that costs most; the model is built when the first one is needed."""
    made: list[Callable[..., Work]] = []

    def prepare(tokens: int) -> Work:
        if not made:
            torch.manual_seed(config.seed)
            made.append(
                training_step(
                    adaptive(make(), what="A budget of seconds"),
                    first_batch(windows, config, strategy.place.data_size),
                    objective=config.objective.build(config.loss.build()),
                    precision=config.precision,
                    device=strategy.device,
                    accumulate=config.accumulate,
                )
            )
        return made[0](model.tokenization.with_tokens(tokens))

    return prepare


def first_batch(windows: Windows, config: TrainingConfig, parts: int) -> FieldBatch:
    """The first windows with the targets of the last step, which calls the model most often.

    Args:
        windows: of a store.
        config: says which targets the objective needs, and how large a batch is.
        parts: equal parts that a batch is cut into; this one has the windows of one.
    """
    count = max(1, config.batch_size // parts)
    leads = config.targets(1, config.steps)
    return windows.batch([number % len(windows) for number in range(count)], [leads] * count)


def asks_for_tokens(config: TrainingConfig, model: ModelConfig) -> list[str]:
    """Names of settings, not at their defaults, that only a model with tokens can follow."""
    usual = type(model).model_fields
    asked = [name for name in OF_TOKENS if getattr(config, name, None)]
    asked += [
        f"model.{name}"
        for name in ("tokenizer", "scheme")
        if name in usual
        and getattr(model, name) != usual[name].get_default(call_default_factory=True)
    ]
    return asked
