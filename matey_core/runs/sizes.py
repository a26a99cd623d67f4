"""The size of a new model that fits a time: the largest one that gets enough steps in it."""

import math
from collections.abc import Callable, Sequence
from typing import get_args

import torch

from matey_core.data import Mixture
from matey_core.distributed import Strategy
from matey_core.losses import LossConfig
from matey_core.models import AdaptiveConfig, Model, ModelConfig, Preset
from matey_core.objectives import within
from matey_core.runs.mixing import first_micro_batch, mixture_of
from matey_core.runs.pace import SECONDS, Measured, measure_pace
from matey_core.runs.processes import agree_on_faster, place_model
from matey_core.runs.settings import TrainingConfig
from matey_core.runs.sources import StoreWindows
from matey_core.runs.token_plan import asks_for_tokens

PRESETS: tuple[Preset, ...] = get_args(Preset)
STEPS: dict[Preset, int] = {"micro": 120, "mini": 500, "ti": 8_000}
"""Steps from which a size is better than the next smaller one in the same time; `ti` is a guess.

`pyramid`, one thread of a 2-core CPU, batches of 8, one seed, three validation trajectories;
validation score (lower is better) and steps, after so many CPU seconds, on turbulence M 0.5 and on
diffusion–reaction, both 64²:

            turbulence                               diffusion–reaction
    size    15 s         60 s         180 s          15 s         60 s        180 s
    nano    1.276 (164)  0.858 (623)  -              10.86 (167)  3.87 (721)  -
    micro   1.236 (121)  0.726 (477)  0.511 (1480)   10.96 (113)  4.03 (452)  2.47 (1262)
    mini    1.210 (92)   0.709 (375)  0.413 (1158)   11.66 (89)   4.62 (341)  2.36 (1023)
    ti      1.237 (55)   0.832 (239)  0.486 (729)    -            4.17 (191)  2.23 (681)

In the geometric mean of both, `micro` beats `nano` at 15 s (by 1 %) and 60 s (6 %). `mini` loses to
`micro` at 60 s (6 %) and beats it at 180 s (12 %): its 500 steps are interpolated between 358 and
1,090 in the logarithm. `ti` loses to `mini` at 60 s and at 180 s (5 %): it needs more than 700.
This was with AdamW and with tokens in all sizes. Without tokens, with Muon and batches of 4, `mini`
is 3 % better than 24 channels after 60 s (two data sets, 420 to 830 steps of `mini`).
"""
GROWTH = 4.0
"""Factor of the steps from one size to the next above the last in `STEPS`: from `micro` to `mini`
it was 4.2. Beyond that it is a guess."""


def steps_needed(preset: Preset) -> float:
    """Steps that a size needs to be worth its time: `STEPS`, or `GROWTH` times as many a size."""
    if preset in STEPS:
        return STEPS[preset]
    last = max(STEPS, key=PRESETS.index)
    return STEPS[last] * GROWTH ** (PRESETS.index(preset) - PRESETS.index(last))


def largest_worthwhile(
    presets: Sequence[Preset], seconds: float, step_seconds: Callable[[Preset], float]
) -> Preset:
    """Go up the sizes until one gets too few steps.

    Args:
        presets: from small to large.
        seconds: time of the training.
        step_seconds: measures a step of a size; called for one size after another, and no more.
    """
    chosen = presets[0]
    for preset in presets[1:]:
        if seconds < step_seconds(preset) * steps_needed(preset):
            break
        chosen = preset
    return chosen


def may_be_chosen(config: TrainingConfig, model: ModelConfig) -> bool:
    """Whether a time is given, and nothing says how large the model is."""
    return (
        config.minutes is not None
        and bool(model.sized_by)
        and not model.model_fields_set & model.sized_by
    )


def fitting_size(
    config: TrainingConfig,
    model: ModelConfig,
    sources: Sequence[StoreWindows],
    strategy: Strategy,
    *,
    build: Callable[[ModelConfig], Model],
) -> tuple[ModelConfig, str]:
    """Choose the size of a new model; called by all processes, the first one's clock decides.

    Args:
        config: says how much time there is.
        model: settings of the model, without a size.
        sources: what it will train on.
        strategy: the processes.
        build: makes a model, which is thrown away.

    Returns:
        The settings with a preset, and why it is this one.
    """
    # What a loss takes does not depend on the size: one that reads nothing of the stores will do.
    config = config.model_copy(update={"loss": LossConfig.choose("nrmse")})
    assert config.minutes is not None
    mixture = mixture_of(config, sources, strategy)
    too_large: list[Preset] = []

    def step_seconds(preset: Preset) -> float:
        candidate = build(model.model_copy(update={"preset": preset}))
        measured = _measured(candidate, mixture, config, strategy)
        if _fits(measured, config, strategy):
            return measure_pace(measured, config, strategy)
        too_large.append(preset)
        return math.inf

    sizes = _sizes(config, model)
    preset = largest_worthwhile(sizes, SECONDS * config.minutes, step_seconds)
    return model.model_copy(update={"preset": preset}), _reason(preset, too_large)


def _sizes(config: TrainingConfig, model: ModelConfig) -> list[Preset]:
    """Sizes to choose from: those with tokens, where a setting asks for tokens."""
    asks = bool(asks_for_tokens(config, model))
    sized = {preset: model.model_copy(update={"preset": preset}) for preset in PRESETS}
    return [
        preset
        for preset, settings in sized.items()
        if not (asks and isinstance(settings, AdaptiveConfig) and not settings.has_tokens)
    ]


def _measured(
    model: Model, mixture: Mixture, config: TrainingConfig, strategy: Strategy
) -> Measured:
    place_model(model, config, strategy)
    objective = config.objective.build(config.loss.build())
    return Measured(
        model=model,
        optimizer=config.optimizer.build(model),
        mixture=mixture,
        objective=objective,
        precision=agree_on_faster(
            config.precision,
            model,
            lambda: first_micro_batch(mixture, config),
            objective,
            strategy,
        ),
    )


def _reason(preset: Preset, too_large: Sequence[Preset]) -> str:
    if too_large:
        return "larger ones do not fit into the memory"
    if preset == PRESETS[-1]:
        return "the largest there is"
    return "larger ones would get too few steps"


def _fits(measured: Measured, config: TrainingConfig, strategy: Strategy) -> bool:
    """Whether the memory of every GPU holds a step; all processes get the same answer.

    On a CPU nobody is asked: too large a model ends the process, and would be too slow before.
    """
    if strategy.device.type == "cpu":
        return True
    fits = True
    predict = within(measured.model, [measured.precision.within(strategy.device)])
    try:
        batch = first_micro_batch(measured.mixture, config).to(strategy.device)
        measured.objective(predict, batch).total.backward()
    except torch.OutOfMemoryError:
        fits = False
    measured.model.zero_grad(set_to_none=True)
    share = strategy.all_reduce_mean(torch.tensor(float(fits), device=strategy.device))
    return float(share) == 1.0
