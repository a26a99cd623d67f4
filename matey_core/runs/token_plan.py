"""Budgets of a run: settled before the first step, the same for all processes."""

import random
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

import torch

from matey_core.batches import FieldBatch
from matey_core.data import Windows
from matey_core.distributed import Strategy
from matey_core.models import (
    AdaptiveConfig,
    Inputs,
    Model,
    ModelConfig,
    adaptive,
    adaptive_config,
)
from matey_core.runs.budget import (
    Asked,
    Work,
    dearest,
    has_fixed_shapes,
    inputs_of,
    purchase,
    spread_of,
    told,
    training_step,
)
from matey_core.runs.settings import TrainingConfig
from matey_core.runs.sources import Source
from matey_core.training import TrainState, Within


def settle(
    config: TrainingConfig,
    model: ModelConfig,
    sources: Sequence[Source],
    strategy: Strategy,
    *,
    make: Callable[[], Model],
) -> tuple[ModelConfig, list[str]]:
    """Turn a run's budget into a number of tokens, and write it into the model's settings.

    Args:
        config: holds the budget.
        model: settings of the model.
        sources: what it will train on.
        strategy: the processes; the first one measures for all.
        make: makes a model to measure with, which is thrown away.

    Returns:
        The settings with the number of tokens, and a sentence about what it costs.

    Raises:
        ConfigError: the budget cannot be met, or the model cuts no cells.
        ShapeError: a grid is smaller than a patch.
    """
    asked = Asked(flops=config.flops, seconds=config.seconds)
    stores = _shown(config, sources)
    if config.tokens_range is not None:
        settings = adaptive_config(model, what="tokens_range")
        numbers = spread_of(settings, stores, config.tokens_range)
        tokens = settings.tokenization.tokens or numbers[-1]
        note = f"Every batch draws its tokens a frame from {', '.join(map(str, numbers))}."
        return _with_tokens(settings, tokens), [note]
    if not asked:
        return model, []
    settings = adaptive_config(model, what="A budget of operations or seconds")
    answer: tuple[int, str] | None = None
    if strategy.place.is_first:
        prepare = _steps(config, settings, sources, strategy, make)
        bought = purchase(asked, settings, stores, device=strategy.device, prepare=prepare)
        note = told(asked, bought, of_what=f"a step of {config.batch_size} windows")
        answer = (bought.tokens, note)
    tokens, note = strategy.broadcast(answer)
    return _with_tokens(settings, tokens), [note]


def drawn(
    config: TrainingConfig, model: ModelConfig, sources: Sequence[Source]
) -> tuple[Within, ...]:
    """What draws the number of tokens of each batch, from seed and step alone."""
    if config.tokens_range is None:
        return ()
    settings = adaptive_config(model, what="tokens_range")
    numbers = spread_of(settings, _shown(config, sources), config.tokens_range)

    def within(state: TrainState, batch: FieldBatch) -> AbstractContextManager[None]:
        tokens = random.Random(f"{config.seed} tokens {state.step}").choice(numbers)
        model = adaptive(state.model, what="tokens_range")
        return model.retokenized(model.tokenizing.with_tokens(tokens))

    return (within,)


def uncompiled(
    config: TrainingConfig, model: ModelConfig, sources: Sequence[Source]
) -> tuple[str, ...]:
    """Names of the stores on which `compile` does nothing, as shapes change there."""
    if not config.compile or not isinstance(model, AdaptiveConfig):
        return ()
    return tuple(
        part.store.name
        for part, shown in zip(sources, _shown(config, sources), strict=True)
        if not has_fixed_shapes(model, shown)
    )


def compiling_note(config: TrainingConfig, model: ModelConfig, names: Sequence[str]) -> list[str]:
    """Say what compiling leaves out, and why."""
    if not names:
        return []
    why = "numbers of tokens, or of cells at padded edges, change from batch to batch"
    if isinstance(model, AdaptiveConfig) and not model.tokenization.has_number:
        why = "with γ the number of tokens changes from batch to batch; tokens or ratio fix it"
    if config.recompute:
        return [
            f"Nothing is compiled, because of {', '.join(names)}: {why}, and recompute=true would "
            "compile anew for each."
        ]
    return [f"Not compiled on {', '.join(names)}: {why}."]


def _shown(config: TrainingConfig, sources: Sequence[Source]) -> list[Inputs]:
    """What the model sees of every store; with jitter, where it takes most cells."""
    return [
        inputs_of(part.store, history=part.training.history, moves=config.jitter)
        for part in sources
    ]


def _with_tokens(model: AdaptiveConfig, tokens: int) -> AdaptiveConfig:
    return model.with_tokenizer(model.tokenization.with_tokens(tokens))


def _steps(
    config: TrainingConfig,
    model: AdaptiveConfig,
    sources: Sequence[Source],
    strategy: Strategy,
    make: Callable[[], Model],
) -> Callable[[int], Work]:
    """Steps on the store that costs most; the model is built when the first one is needed."""
    made: list[Callable[..., Work]] = []

    def prepare(tokens: int) -> Work:
        if not made:
            windows = sources[dearest(model, _shown(config, sources))].training
            torch.manual_seed(config.seed)
            made.append(
                training_step(
                    adaptive(make(), what="A budget of seconds"),
                    _first(windows, config, config.batch_size // strategy.place.data_size),
                    objective=config.objective.build(config.loss.build()),
                    precision=config.precision,
                    device=strategy.device,
                )
            )
        return made[0](model.tokenization.with_tokens(tokens))

    return prepare


def _first(windows: Windows, config: TrainingConfig, size: int) -> FieldBatch:
    """The first windows, with the targets of the last step, which costs most."""
    count = max(1, size)
    leads = config.targets(1, config.steps)
    return windows.batch([number % len(windows) for number in range(count)], [leads] * count)
