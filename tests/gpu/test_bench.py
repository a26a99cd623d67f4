"""The benchmark of GPUs, where there is none."""

import torch

from bench.gpu import rows, step_row


def test_a_step_is_measured() -> None:
    row = step_row(
        "nano",
        torch.device("cpu"),
        dtype=torch.float32,
        is_compiled=False,
        grid=(32, 32),
        tokens=10,
        seconds=0.1,
    )
    assert row["tokens"] == 10
    assert 0 < float(str(row["utilization"])) < 1.5
    assert int(str(row["kernels"])) > 300
    assert float(str(row["flops"])) > 1e6


def test_there_are_no_rows_without_a_gpu() -> None:
    assert torch.cuda.is_available() or not list(rows())
