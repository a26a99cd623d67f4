"""Run a function in several processes that form a gloo group."""

import os
from collections.abc import Callable
from typing import Any

import torch
import torch.distributed as dist
from torch import multiprocessing

from matey_core.distributed._launch import _free_port
from matey_core.sequence_group import SequenceGroup


def in_group(
    work: Callable[..., Any], size: int, *arguments: Any, seconds: float = 270
) -> list[Any]:
    """Call `work(group, *arguments)` in `size` processes; their answers in order of rank."""
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    port = _free_port()
    processes = [
        context.Process(target=_member, args=(work, rank, size, port, results, arguments))
        for rank in range(size)
    ]
    for process in processes:
        process.start()
    found: dict[int, Any] = {}
    try:
        while len(found) < size:
            rank, answer = results.get(timeout=seconds)
            assert not isinstance(answer, _Failed), answer.text
            found[rank] = answer
        for process in processes:
            process.join()
    finally:
        for process in processes:
            process.kill()
    return [found[rank] for rank in range(size)]


class _Failed:
    def __init__(self, text: str) -> None:
        self.text = text


def _member(
    work: Callable[..., Any], rank: int, size: int, port: int, results: Any, arguments: Any
) -> None:
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    torch.set_num_threads(1)
    dist.init_process_group("gloo", rank=rank, world_size=size)
    assert dist.group.WORLD is not None
    group = SequenceGroup(rank=rank, size=size, handle=dist.group.WORLD)
    try:
        results.put((rank, work(group, *arguments)))
    except BaseException:
        import traceback

        results.put((rank, _Failed(traceback.format_exc())))
    dist.destroy_process_group()
