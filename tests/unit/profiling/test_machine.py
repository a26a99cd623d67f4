"""Peaks of this machine."""

import sys

import pytest
import torch

from matey_core.profiling import matmul_peak, peak_memory, reset_peak_memory

CPU = torch.device("cpu")


def test_no_product_is_faster_than_the_peak_by_much() -> None:
    peak = matmul_peak(CPU, torch.float32)
    assert 1e8 < peak < 1e14
    assert peak == pytest.approx(matmul_peak(CPU, torch.float32), rel=0.6)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can reset the high-water mark")
def test_memory_is_the_largest_since_the_reset() -> None:
    size = 200 * 2**20
    reset_peak_memory(CPU)
    before = peak_memory(CPU)
    block = torch.ones(size, dtype=torch.uint8)
    del block
    with_block = peak_memory(CPU)
    assert with_block - before == pytest.approx(size, rel=0.1)
    reset_peak_memory(CPU)
    assert with_block - peak_memory(CPU) == pytest.approx(size, rel=0.1)
