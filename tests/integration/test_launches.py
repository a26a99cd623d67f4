"""A step sends a device no more operations than are said: small ones cost as much as large ones."""

from typing import NamedTuple

from matey_core.losses.relative_mse import relative_mse
from matey_core.models import MODELS, ModelConfig
from matey_core.models.matey import MateyConfig
from matey_core.objectives import within
from matey_core.objectives.one_step import OneStepConfig
from matey_core.tokenizers import TokenizerConfig
from tests.devices import CPU, FLOAT32, batches, built
from tests.launches import Launches


class Step(NamedTuple):
    """Launches of a step."""

    forward: int
    backward: int


def step_of(config: ModelConfig) -> Step:
    """Count those of the second step, for which what steps have in common is prepared."""
    model, objective = built(config).train(), OneStepConfig().build(relative_mse)
    predict = within(model, [FLOAT32.within(CPU)])
    for batch in batches(2):
        model.zero_grad()
        with Launches() as forward:
            loss = objective(predict, batch).total
        with Launches() as backward:
            loss.backward()
    return Step(forward.count, backward.count)


def matey(depth: int) -> MateyConfig:
    tokenizer = TokenizerConfig(name="uniform", patch=(8,))
    return MateyConfig(width=32, depth=depth, heads=2, tokenizer=tokenizer)


def test_blocks_of_tokens() -> None:
    short, long = step_of(matey(1)), step_of(matey(3))
    block = Step(*((more - less) // 2 for more, less in zip(long, short, strict=True)))
    assert block == (16, 38)
    whole = Step(*(less + 11 * each for less, each in zip(short, block, strict=True)))
    assert sum(whole) <= 890  # 924 with a copy of the condition for every cell


def test_the_default_model() -> None:
    step = step_of(MODELS["pyramid"].model_validate({"preset": "mini"}))
    assert sum(step) <= 430  # 418 before the summary of a sample was normalized
    tokens = {"name": "adap_mix", "patch": [8, 4], "tokens": 18}
    step = step_of(MODELS["pyramid"].model_validate({"preset": "ti", "tokenizer": tokens}))
    assert sum(step) <= 970  # two blocks of tokens, and their cells
