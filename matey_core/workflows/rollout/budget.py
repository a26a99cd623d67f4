"""Another budget at inference than in training."""

from collections.abc import Sequence

import torch

from matey_core.data import Windows
from matey_core.models import Model, adaptive
from matey_core.runs.budget import (
    TokenBudget,
    Work,
    affordable_tokens,
    costliest,
    describe,
    forward_pass,
    inputs_of,
)
from matey_core.store import Store


def rebudget(
    model: Model,
    asked: TokenBudget,
    stores: Sequence[Store],
    *,
    history: int,
    batch_size: int,
    moves: bool = False,
) -> str:
    """Give a model another budget for what follows.

    Args:
        model: where it computes; its weights stay.
        asked: tokens of a frame, operations of a sample, or seconds of a call.
        stores: what it will be shown.
        history: frames of a history.
        batch_size: trajectories of a call.
        moves: whether cells will begin elsewhere in every call.

    Returns:
        A sentence about what the budget came to; empty if none was asked for.

    Raises:
        ConfigError: the coarsest cells alone are more than the budget allows.
    """
    if not asked:
        return ""
    model = adaptive(model, what="A budget of tokens, operations or seconds")
    own = model.config.tokenization
    if asked.tokens is not None:
        model.check_tokenizer(own.with_tokens(asked.tokens))
    inputs = [inputs_of(store, history=history, moves=moves) for store in stores]
    device = next(model.parameters()).device

    def prepare(tokens: int) -> Work:
        store = stores[costliest(model.config, inputs)]
        windows = Windows(store, range(store.num_samples), history=history, max_lead=1)
        indices = [number % len(windows) for number in range(batch_size)]
        batch = windows.batch(indices, [[1]] * batch_size).to(device)
        return forward_pass(model, batch)(own.with_tokens(tokens))

    with torch.no_grad():
        result = affordable_tokens(asked, model.config, inputs, device=device, prepare=prepare)
    model.retokenize(own.with_tokens(result.tokens))
    return describe(asked, result, of_what=f"a call with {batch_size} trajectories")
