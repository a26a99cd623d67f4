"""What holds for whatever spreads training over processes, between real processes."""

import math
import os
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from matey_core.config import validate
from matey_core.distributed import STRATEGIES, Place, Strategy, StrategyConfig, join
from matey_core.distributed._launch import _free_port
from matey_core.errors import ConfigError
from matey_core.runs.settings import TrainingConfig

pytestmark = pytest.mark.distributed
SPREAD = [name for name in STRATEGIES.names() if name != "single"]
CPU = torch.device("cpu")
SENT = {"text": "ρ → 0", "numbers": [0.1, 1e-300, math.inf, 2**60, None], "nested": {"a": [True]}}

Check = Callable[[Strategy], Any]


def member(name: str, rank: int, port: int, check: Check, results: Any) -> None:
    """Be one of two processes."""
    torch.set_num_threads(1)
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    place = Place(rank=rank, size=2, local_rank=rank)
    strategy = StrategyConfig.choose(name).build(place, CPU)
    results.put((rank, check(strategy)))
    strategy.close()


def in_two(name: str, check: Check) -> list[Any]:
    """Results of a check in two processes, in order."""
    context = torch.multiprocessing.get_context("spawn")
    results, port = context.Queue(), _free_port()
    processes = [
        context.Process(target=member, args=(name, rank, port, check, results)) for rank in range(2)
    ]
    for process in processes:
        process.start()
    found = dict(results.get(timeout=60) for _ in processes)
    for process in processes:
        process.join()
        assert process.exitcode == 0
    return [found[rank] for rank in range(2)]


def everything(strategy: Strategy) -> dict[str, Any]:
    """What each method gives in a process whose values are its own."""
    own = strategy.place.rank + 1
    model = nn.BatchNorm1d(2)
    nn.init.constant_(model.weight, own)
    nn.init.constant_(model.running_mean, 10 * own)
    strategy.prepare(model)
    state = strategy.state(model)
    both, mine, nobodys = (nn.Parameter(torch.zeros(2)) for _ in range(3))
    both.grad = torch.tensor([1.0, 2.0]) * own
    if strategy.place.rank == strategy.place.size - 1:
        mine.grad = torch.tensor([4.0, 8.0])
    strategy.all_reduce_gradients([both, mine, nobodys])
    gradients = [each.grad if each.grad is None else each.grad.tolist() for each in (both, mine)]
    return {
        "device": model.weight.device.type,
        "weight": state["weight"].tolist(),
        "buffer": state["running_mean"].tolist(),
        "gradients": [*gradients, nobodys.grad],
        "mean": strategy.all_reduce_mean(torch.tensor([1.0, 3.0]) * own).tolist(),
        "gathered": [each.tolist() for each in strategy.all_gather(torch.tensor([own, 0]))],
        "received": strategy.broadcast(SENT if strategy.place.is_first else None),
        "computes_for_first": strategy.computes_for_first,
    }


@pytest.mark.parametrize("name", SPREAD)
def test_two_processes_agree(name: str) -> None:
    first, second = in_two(name, everything)
    assert first == second | {"computes_for_first": True}
    assert first["weight"] == [1, 1]
    assert first["buffer"] == [10, 10]
    assert first["gradients"] == [[1.5, 3.0], [2.0, 4.0], None]
    assert first["mean"] == [1.5, 4.5]
    assert first["gathered"] == [[1, 0], [2, 0]]
    assert first["received"] == SENT


@pytest.mark.parametrize("name", STRATEGIES.names())
def test_a_process_alone_agrees_with_itself(name: str) -> None:
    strategy = StrategyConfig.choose(name).build(Place(), CPU)
    try:
        assert isinstance(strategy, Strategy)
        found = everything(strategy)
    finally:
        strategy.close()
    assert found == {
        "device": "cpu",
        "weight": [1, 1],
        "buffer": [10, 10],
        "gradients": [[1.0, 2.0], [4.0, 8.0], None],
        "mean": [1.0, 3.0],
        "gathered": [[1, 0]],
        "received": SENT,
        "computes_for_first": True,
    }


def test_the_number_of_processes_chooses_unless_the_settings_do() -> None:
    assert TrainingConfig().strategy is None
    assert type(join(CPU)).__name__ == "Single"
    config = validate(TrainingConfig, {"strategy": "ddp"}, source="")
    strategy = join(CPU, strategy=config.strategy)
    strategy.close()
    assert type(strategy).__name__ == "DataParallel"
    with pytest.raises(ConfigError, match="strategy is single, but 2 processes were started"):
        StrategyConfig.choose("single").build(Place(size=2), CPU)


@pytest.mark.parametrize("name", STRATEGIES.names())
def test_a_model_trains_after_it_was_evaluated(name: str) -> None:
    strategy = StrategyConfig.choose(name).build(Place(), CPU)
    try:
        model = nn.Linear(2, 2)
        strategy.prepare(model)
        with torch.inference_mode():
            model(torch.ones(1, 2))
        model(torch.ones(1, 2)).sum().backward()
        assert model.weight.grad is not None
    finally:
        strategy.close()
