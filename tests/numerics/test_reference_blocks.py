"""Single blocks against the published ones in float64 arithmetic."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from matey_core.kernels import KERNELS
from matey_core.models.paper.axial import GridTimeBlock, PaperAxialBlock
from matey_core.models.paper.blocks import PaperFullBlock, TimeBlock
from matey_core.tokens import Segments
from tests.numerics.reference import arrays

TOLERANCES = {torch.float32: 1e-4, torch.float64: 2e-6}
"""The reference itself is stored in float32."""

dtypes = pytest.mark.parametrize("dtype", TOLERANCES, ids=str)


class Case:
    """Arrays of one block of blocks.npz, in one precision."""

    def __init__(self, reference: Path, name: str, dtype: torch.dtype) -> None:
        self.stored = arrays(reference / "blocks.npz")
        self.name = name
        self.dtype = dtype

    def __getitem__(self, key: str) -> Tensor:
        array = torch.from_numpy(self.stored[f"{self.name}/{key}"])
        return array if array.dtype == torch.bool else array.to(self.dtype)

    def fill(self, block: nn.Module) -> nn.Module:
        prefix = f"{self.name}/w/"
        names = [key for key in self.stored if key.startswith(prefix)]
        block.load_state_dict(
            {key.removeprefix(prefix): torch.from_numpy(self.stored[key]) for key in names}
        )
        return block.to(self.dtype).eval()

    def check(self, found: Tensor, key: str, tolerance: float | None = None) -> None:
        bound = TOLERANCES[self.dtype] if tolerance is None else tolerance
        torch.testing.assert_close(found, self[key], rtol=0, atol=bound)


@torch.inference_mode()
@dtypes
def test_full_block(reference: Path, dtype: torch.dtype) -> None:
    case = Case(reference, "all2all", dtype)
    block = case.fill(PaperFullBlock(24, 3, KERNELS["math"]))
    rows = case["x"].transpose(1, 2).reshape(1, 60, 24)
    for lead, key in ((None, "y_fp64"), (case["leadtime"], "y_leadtime_fp64")):
        y = block(rows, Segments((30, 30)), lead)
        case.check(y.view(2, 30, 24).transpose(1, 2), key)


@torch.inference_mode()
@dtypes
def test_full_block_on_mixed_sequences_equals_the_padded_one(
    reference: Path, dtype: torch.dtype
) -> None:
    case = Case(reference, "all2all", dtype)
    block = case.fill(PaperFullBlock(24, 3, KERNELS["sdpa"]))
    mask = case["mask"]
    assert 0 < mask.sum(1).min() < mask.sum(1).max()
    rows = case["x"].transpose(1, 2)[mask].unsqueeze(0)
    segments = Segments(tuple(mask.sum(1).tolist()))
    for lead, key in ((None, "y_masked"), (case["leadtime"], "y_masked_leadtime")):
        y = block(rows, segments, lead, is_mixed=True)
        expected = case[key].transpose(1, 2)[mask]
        torch.testing.assert_close(y[0], expected, rtol=0, atol=1e-4)


@torch.inference_mode()
@dtypes
def test_time_block(reference: Path, dtype: torch.dtype) -> None:
    case = Case(reference, "svit_time", dtype)
    block = case.fill(TimeBlock(24, 3, KERNELS["sdpa"]))
    x = case["x"].transpose(1, 2)
    case.check(block(x, None).transpose(1, 2), "y_fp64")
    case.check(block(x, case["leadtime"]).transpose(1, 2), "y_leadtime_fp64")


@torch.inference_mode()
@dtypes
def test_grid_time_block(reference: Path, dtype: torch.dtype) -> None:
    case = Case(reference, "avit_time", dtype)
    block = case.fill(GridTimeBlock(24, 3, KERNELS["sdpa"]))
    case.check(block(case["x"], None), "y_fp64")
    case.check(block(case["x"], case["leadtime"]), "y_leadtime_fp64")


@torch.inference_mode()
@dtypes
def test_axial_block_in_two_and_three_dimensions(reference: Path, dtype: torch.dtype) -> None:
    case = Case(reference, "axial_2d", dtype)
    block = case.fill(PaperAxialBlock(24, 3, KERNELS["sdpa"]))
    case.check(block(case["x"].unsqueeze(0))[0], "y_fp64")
    case.check(block(case["x_3d"].unsqueeze(0))[0], "y_3d_fp64")
