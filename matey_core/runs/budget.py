"""The number of tokens that a budget in operations or seconds allows on the stores at hand."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import repeat

import torch

from matey_core.batches import FieldBatch
from matey_core.errors import ConfigError
from matey_core.models import AdaptiveConfig, AdaptiveModel, Inputs, plan
from matey_core.objectives import Objective
from matey_core.optimizers.adamw import AdamwConfig
from matey_core.profiling import (
    BudgetedTokens,
    BudgetSolver,
    TrainingStep,
    alternate,
    quantity,
)
from matey_core.store import Store
from matey_core.tokenizers import TokenizerConfig
from matey_core.training import choose_precision

Work = Callable[[], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenBudget:
    """A budget as a user gave it: one of three, or none."""

    tokens: int | None = None
    flops: float | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        """Refuse two budgets at once."""
        given = [name for name in ("tokens", "flops", "seconds") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ConfigError(
                f"{' and '.join(given)} both set the number of tokens.", remedy="Give one of them."
            )

    def __bool__(self) -> bool:
        return (self.tokens, self.flops, self.seconds) != (None, None, None)


def inputs_of(store: Store, *, history: int, moves: bool = False) -> Inputs:
    """What a model is shown of a store.

    Args:
        store: gives the grid and the fields.
        history: frames.
        moves: whether cells begin where every step draws it.
    """
    grid = store.spec.grid
    return Inputs(
        grid=grid.shape,
        periodic=grid.periodic,
        fields=len(store.spec.fields),
        frames=history,
        moves=moves,
    )


def affordable_tokens(
    asked: TokenBudget,
    config: AdaptiveConfig,
    stores: Sequence[Inputs],
    *,
    device: torch.device,
    prepare: Callable[[int], Work],
) -> BudgetedTokens:
    """Find the number of tokens of a frame that a budget allows on all stores.

    Args:
        asked: tokens, operations or seconds.
        config: settings of the model.
        stores: what it is shown.
        device: where it computes.
        prepare: given a number of tokens, makes a step or a forward pass to be timed.

    Raises:
        ConfigError: the coarsest cells alone are more than the budget allows.
        ShapeError: a grid is smaller than a patch.
    """
    solver = BudgetSolver(config, stores)
    if asked.flops is not None:
        return solver.for_flops(asked.flops)
    if asked.seconds is not None:

        def timed(numbers: Sequence[int]) -> list[float]:
            return alternate([prepare(number) for number in numbers], device)

        return solver.for_seconds(asked.seconds, timed)
    assert asked.tokens is not None
    cost = solver.cost(solver.reachable(asked.tokens))
    return BudgetedTokens(tokens=cost.tokens, flops=cost.flops)


def has_fixed_shapes(config: AdaptiveConfig, inputs: Inputs) -> bool:
    """Whether all numbers of cells on a grid are known beforehand."""
    return plan(config.tokenization, inputs).has_known_counts


def describe(asked: TokenBudget, result: BudgetedTokens, *, of_what: str) -> str:
    """Say what a budget came to.

    Args:
        asked: tokens, operations or seconds.
        result: the tokens that these allow.
        of_what: the seconds are measured of, such as "a step of 4 windows".
    """
    parts = [f"{result.tokens} tokens a frame", f"{quantity(result.flops)}FLOP a sample, forward"]
    if result.seconds is not None:
        parts.append(f"{result.seconds:.3g} s {of_what}, measured")
    if asked.seconds is not None:
        wanted = f"{asked.seconds:g} s"
    elif asked.flops is not None:
        wanted = f"{quantity(asked.flops)}FLOP"
    else:
        wanted = f"{asked.tokens} tokens"
    return f"The budget of {wanted} allows {', '.join(parts)}."


def costliest(config: AdaptiveConfig, stores: Sequence[Inputs]) -> int:
    """Index of the store whose samples cost most with the finest cells everywhere."""
    costs = [BudgetSolver(config, [inputs]) for inputs in stores]
    flops = [solver.cost(solver.reachable(solver.most)).flops for solver in costs]
    return flops.index(max(flops))


def training_step(
    model: AdaptiveModel,
    batch: FieldBatch,
    *,
    objective: Objective,
    precision: str,
    device: torch.device,
    accumulate: int = 1,
) -> Callable[[TokenizerConfig], Work]:
    """Make training steps of one model with several tokenizers, on the same batch over and over.

    Args:
        model: is trained.
        batch: what on.
        objective: what is minimized.
        precision: `auto`, `float32` or `bfloat16`.
        device: where to compute.
        accumulate: equal parts of the batch that are computed one after another.
    """
    model = model.to(device)
    if precision == "auto":
        part = next(batch.parts(accumulate))
        precision = choose_precision(model, part, objective, device).name
    step = TrainingStep(
        model=model.train(),
        batches=repeat(batch),
        objective=objective,
        optimizer=AdamwConfig(learning_rate=1e-6, weight_decay=0.0).build(model),
        device=device,
        dtype=getattr(torch, precision),
        accumulate=accumulate,
    )
    return lambda tokenizer: partial(_within, model, tokenizer, step.run)


def forward_pass(model: AdaptiveModel, batch: FieldBatch) -> Callable[[TokenizerConfig], Work]:
    """Make forward passes of one model with several tokenizers."""

    @torch.inference_mode()
    def run() -> None:
        model(batch)

    return lambda tokenizer: partial(_within, model.eval(), tokenizer, run)


def _within(model: AdaptiveModel, tokenizer: TokenizerConfig, run: Work) -> None:
    with model.retokenized(tokenizer):
        run()
