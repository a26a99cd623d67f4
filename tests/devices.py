"""A few steps of every kind of model, on any device."""

from dataclasses import replace
from itertools import product
from typing import Any

import torch

from matey_core.batches import FieldBatch
from matey_core.distributed import Place
from matey_core.distributed.single import Single
from matey_core.losses.relative_mse import relative_mse
from matey_core.models import MODELS, Model, ModelConfig
from matey_core.models.matey import MateyConfig
from matey_core.models.pyramid import PyramidConfig
from matey_core.objectives.pushforward import PushforwardConfig
from matey_core.optimizers import OPTIMIZERS
from matey_core.tokenizers import TokenizerConfig
from matey_core.training import (
    AfterStep,
    Limits,
    Precision,
    StepReport,
    TrainState,
    WeightAverage,
    train,
)
from tests.formula import batch_of, spec_of

FLOAT32 = Precision(name="float32")
CPU = torch.device("cpu")
STEPS, CALLS = 2, 2
"""Steps of a training, and calls of the model in each."""
BUDGETS: tuple[dict[str, Any], ...] = ({"tokens": 18}, {"gamma": 0.3})
TREES = [
    {"scheme": scheme, "tokenizer": TokenizerConfig(name=name, patch=(8, 4), **budget)}
    for scheme, name, budget in product(
        ("full", "factorized", "axial"), ("uniform", "adap_mix", "adap_mul"), BUDGETS
    )
    if (scheme, name) != ("axial", "adap_mix") and (name, budget) != ("uniform", BUDGETS[0])
]
PYRAMID = PyramidConfig.tiny()
CONFIGS: list[ModelConfig] = [
    *(MateyConfig(width=32, depth=2, heads=2, **tree) for tree in TREES),
    PYRAMID.model_copy(update={"depth": 0}),
    PYRAMID.model_copy(update={"tokenizer": TokenizerConfig(patch=(8, 4), **BUDGETS[0])}),
    *(MODELS[name].tiny() for name in MODELS.names() if name != "matey"),
]


def name_of(config: ModelConfig) -> str:
    tokenizer = _tokenizer_of(config)
    parts = (tokenizer.name, tokenizer.budget.label) if tokenizer else ()
    return " ".join((config.variant, getattr(config, "scheme", ""), *parts))


def _tokenizer_of(config: ModelConfig) -> TokenizerConfig | None:
    """How fields are cut; None without tokens."""
    return getattr(config, "tokenizer", None) if getattr(config, "has_tokens", True) else None


def waits_of(config: ModelConfig) -> int:
    """EXPECTED waits of a call: γ reads how many cells there are."""
    tokenizer = _tokenizer_of(config)
    is_read = tokenizer is not None and tokenizer.name != "uniform"
    return int(is_read and tokenizer.budget.name == "gamma")


def built(config: ModelConfig) -> Model:
    torch.manual_seed(0)
    return config.build(fields=("density", "velocity_x"), num_axes=(2,))


def batches(number: int = STEPS) -> list[FieldBatch]:
    leads = torch.tensor([[1, 2], [1, 3]])
    made = [batch_of(spec_of((16, 32)), samples=2, leads=2, seed=seed) for seed in range(number)]
    return [replace(batch, lead_steps=leads) for batch in made]


def trained(
    config: ModelConfig,
    device: torch.device,
    data: list[FieldBatch],
    *,
    optimizer: str = "muon",
    precision: Precision = FLOAT32,
    after_step: AfterStep = lambda *_: None,
) -> tuple[TrainState, list[StepReport]]:
    strategy = Single(Place(), device)
    model = built(config)
    strategy.prepare(model)
    state = TrainState(
        model=model,
        optimizer=OPTIMIZERS[optimizer]().build(model),
        schedule=lambda position: 1.0,
        average=WeightAverage(model, 0.9),
    )
    reports: list[StepReport] = []
    train(
        state,
        data,
        PushforwardConfig(horizon=CALLS, grow_from=0, grow_until=0).build(relative_mse),
        strategy=strategy,
        precision=precision,
        limits=Limits(gradient_norm=1.0),
        after_step=after_step,
        record=reports.append,
    )
    return state, reports
