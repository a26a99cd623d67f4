"""Small layers against formulas."""

import math

import pytest
import torch

from matey_core.errors import ShapeError
from matey_core.fields import Grid
from matey_core.nn.field_table import FieldTable
from matey_core.nn.lead_time import LeadTime
from matey_core.nn.modulation import DropPath
from matey_core.nn.norms import SequenceNorm
from matey_core.nn.padding import crop, pad
from matey_core.nn.scale import Scale
from matey_core.tokenizers._positions import BoundaryPositions
from matey_core.tokens import Places, Segments
from tests.formula import wave


def test_scale_is_mean_and_deviation_over_time_and_space_and_is_undone() -> None:
    history = 5 + 2 * wave(2, 3, 2, 8, 4)
    scale = Scale.of(history)
    values = history[1, :, 0].numpy()
    assert scale.mean[1, 0].item() == pytest.approx(values.mean(), rel=1e-6)
    assert scale.std[1, 0].item() == pytest.approx(values.std(), rel=1e-5)
    torch.testing.assert_close(scale.restore(scale.normalize(history)), history)


def test_padding_wraps_periodic_axes_and_repeats_the_edge_of_others() -> None:
    field = torch.arange(15.0).reshape(1, 1, 1, 3, 5)
    padded = pad(field, (2, 2), periodic=(True, False))
    assert padded.shape[3:] == (4, 6)
    assert torch.equal(padded[0, 0, 0, 3], padded[0, 0, 0, 0])
    assert torch.equal(padded[..., 5], padded[..., 4])
    assert torch.equal(crop(padded, (3, 5)), field)
    with pytest.raises(ShapeError, match="patch of 4 points does not fit a grid of 3×5"):
        pad(field, (4, 4), periodic=(True, True))


def test_sequence_norm_standardizes_each_channel_over_each_sequence() -> None:
    x = wave(7, 2, 3)
    out = SequenceNorm(3)(x, Segments((4, 3)))
    for rows in (out[:4], out[4:]):
        flat = rows.flatten(0, 1)
        torch.testing.assert_close(flat.mean(0), torch.zeros(3), atol=1e-5, rtol=0)
        torch.testing.assert_close(flat.var(0, correction=0), torch.ones(3), atol=1e-3, rtol=0)


def test_drop_path_drops_whole_samples_and_keeps_the_mean() -> None:
    torch.manual_seed(0)
    sample = torch.arange(2000).repeat_interleave(3)
    out = DropPath(0.3).train()(torch.ones(6000, 1, 1), sample, 2000).reshape(2000, 3)
    assert torch.equal(out[:, 0], out[:, 2])
    assert out.unique().tolist() == pytest.approx([0.0, 1 / 0.7])
    assert out.mean().item() == pytest.approx(1.0, abs=0.05)
    ones = torch.ones(6, 1, 1)
    assert torch.equal(DropPath(0.3).eval()(ones, sample[:6], 2), ones)


def test_new_fields_append_rows_and_leave_old_ones() -> None:
    table = FieldTable(("a", "b"), channels=2, outputs=2, width=4)
    old = table.enter.detach().clone(), table.leave.detach().clone()
    table.append(("b", "c"))
    assert table.names == ("a", "b", "c")
    assert torch.equal(table.enter[:2], old[0])
    assert torch.equal(table.leave[:2], old[1])
    assert torch.equal(table.entering([1]), table.enter[1])
    assert table.bias[2].tolist() == [0.0, 1.0]


def test_positions_agree_at_both_ends_of_a_periodic_axis_only() -> None:
    torch.manual_seed(0)
    encode = BoundaryPositions(16)
    ends = Places(
        centre=torch.tensor([[1e-6], [1 - 1e-6], [0.5]]),
        size=torch.full((3, 1), 0.1),
        level=torch.zeros(3, dtype=torch.long),
        sample=torch.zeros(3, dtype=torch.long),
    )
    gaps = {}
    for boundary in ("periodic", "no_flux", "outflow"):
        grid = Grid(axes=("x",), shape=(10,), spacing=(0.1,), boundary=(boundary,))
        left, right, middle = encode(ends, grid, 1)[:, 0]
        gaps[boundary] = (left - right).norm().item()
        assert (left - middle).norm() > 0.05
    assert gaps["periodic"] < 1e-3
    assert min(gaps["no_flux"], gaps["outflow"]) > 0.05


def test_lead_times_with_the_same_frames_and_time_are_the_same() -> None:
    torch.manual_seed(0)
    embed = LeadTime(16)
    leads = torch.tensor([1, 2, 8])
    near, twice, far = embed(leads, 0.05)
    assert min((near - twice).norm(), (twice - far).norm()) > 1e-2
    other = embed(leads, 0.1)[0]
    assert (other - near).norm() > 1e-3
    assert math.isfinite(embed(torch.tensor([1_000_000]), 1e-12).norm().item())
