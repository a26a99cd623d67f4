"""Steps of a training that never starts: how long they take, and how much memory."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from matey_core.batches import FieldBatch
from matey_core.data import Mixture
from matey_core.distributed import Strategy
from matey_core.models import Model, ModelConfig
from matey_core.planning.laws import Line
from matey_core.planning.settings import PlanConfig
from matey_core.profiling import peak_memory, reset_peak_memory
from matey_core.runs.mixing import first_micro_batch, mixture_of
from matey_core.runs.pace import ENOUGH, SECONDS, Measured, measure_pace
from matey_core.runs.processes import agree_on_faster, place_model
from matey_core.runs.sources import StoreWindows
from matey_core.runs.token_plan import TokenPlan
from matey_core.runs.validation import Validator
from matey_core.training import Limits, Precision, TrainState, train

ROUNDS = 4
"""Times that steps are measured, if `probe_seconds` allow it; eight short ones tell too little."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbePoint:
    """What one micro-batch took."""

    windows: int
    step_seconds: float
    memory: int
    """Bytes at most."""


def laws_of(first: ProbePoint, second: ProbePoint) -> tuple[Line, Line]:
    """Memory and seconds by windows of a micro-batch, from a smaller one and a larger one."""
    places = first.windows, second.windows
    memories = first.memory, second.memory
    seconds = first.step_seconds, second.step_seconds
    memory, step = (
        Line.through(*zip(places, values, strict=True)) for values in (memories, seconds)
    )
    return memory, step


class Probe:
    """Measures steps of one training with several micro-batches."""

    def __init__(
        self,
        config: PlanConfig,
        sources: Sequence[StoreWindows],
        tokens: TokenPlan,
        strategy: Strategy,
        *,
        build: Callable[[ModelConfig], Model],
    ) -> None:
        """Set up; nothing is measured yet.

        Args:
            config: settings.
            sources: what it will train on.
            tokens: how fields are cut.
            strategy: one process.
            build: makes a model, which is thrown away.
        """
        self.config, self.sources, self.tokens = config, sources, tokens
        self.strategy, self.build = strategy, build
        self.objective = config.objective.build(config.loss.build())
        self.precision: Precision | None = None
        self.validation_seconds = 0.0
        self.weights: dict[str, float] = {}
        """Name of a store -> its share of the steps."""

    def measure(
        self, windows: int, *, accumulate: int = 1, validates: bool = False, **changes: Any
    ) -> ProbePoint:
        """Take steps of so many windows at once, with real data, at a learning rate of 0.

        Memory is that of whole steps with all calls of the model, of the first store to the last.

        Args:
            windows: of a micro-batch.
            accumulate: micro-batches of a step.
            validates: whether validations count as well.
            changes: other settings than those of the training, of it or of its model.
        """
        settings = changes.pop("model", self.tokens.model)
        minutes = self.config.probe_seconds / (ENOUGH * SECONDS)
        update = {"batch_size": accumulate * windows, "accumulate": accumulate, "minutes": minutes}
        config = self.config.model_copy(update={**update, **changes})
        reset_peak_memory(self.strategy.device)
        torch.manual_seed(config.seed)
        measured = self._measured(self.build(settings), config)
        seconds = measure_pace(measured, config, self.strategy, rounds=ROUNDS)
        _train(measured, config, self.strategy)
        if validates:
            self._validate(measured)
        return ProbePoint(
            windows=windows,
            step_seconds=seconds,
            memory=peak_memory(self.strategy.device),
        )

    def _validate(self, measured: Measured) -> None:
        """Validate as the training does, and note how long that takes."""
        config = self.config
        validator = Validator(
            self.sources,
            batch_size=config.batch_size,
            num_batches=config.validation_batches,
            device=self.strategy.device,
            at_once=config.batch_size // config.accumulate,
        )
        validator.score_forecasts()
        self.validation_seconds = validator.expected_seconds(measured.model, measured.precision)

    def _measured(self, model: Model, config: PlanConfig) -> Measured:
        place_model(model, config, self.strategy)
        mixture = mixture_of(config, self.sources, self.strategy)
        names = [part.store.name for part in mixture.windows]
        self.weights = dict(zip(names, mixture.weights.tolist(), strict=True))
        if self.precision is None:
            self.precision = agree_on_faster(
                config.precision,
                model,
                lambda: first_micro_batch(mixture, config),
                self.objective,
                self.strategy,
            )
        return Measured(
            model=model,
            optimizer=config.optimizer.build(model),
            mixture=mixture,
            objective=self.objective,
            precision=self.precision,
            settings=self.tokens.each_step() if model.config == self.tokens.model else (),
        )


def _train(measured: Measured, config: PlanConfig, strategy: Strategy) -> None:
    """Take a last step of the training on every store."""
    mixture = measured.mixture
    mixture.targets = lambda lead, step: config.objective.lead_steps(lead, progress=1.0)
    train(
        TrainState(
            model=measured.model, optimizer=measured.optimizer, schedule=lambda position: 0.0
        ),
        _a_batch_of_each(mixture),
        measured.objective,
        strategy=strategy,
        precision=measured.precision,
        limits=Limits(gradient_norm=config.clip),
        after_step=lambda *_: None,
        settings=measured.settings,
        accumulate=config.accumulate,
    )


def _a_batch_of_each(mixture: Mixture) -> Iterator[FieldBatch]:
    seen: set[int] = set()
    for step in range(mixture.epoch_batches):
        store = mixture.draw(step).store
        if store not in seen:
            seen.add(store)
            yield mixture.batch(step)
