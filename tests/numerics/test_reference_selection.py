"""Which cells are refined, and how they are packed, against the published code's values."""

from pathlib import Path

import numpy as np
import torch

from matey_core.models.paper.patches import Triple
from matey_core.models.paper.selection import Cut, pack, refined_cells, variance_scores
from tests.numerics.reference import arrays


def triple(text: str) -> Triple:
    """Read "ps1x16x16"."""
    depth, height, width = (int(size) for size in text.removeprefix("ps").split("x"))
    return depth, height, width


def history(reference: Path, name: str) -> torch.Tensor:
    """(b, t, c, d, h, w) input fields."""
    return torch.from_numpy(arrays(reference / "inputs.npz")[name]).transpose(0, 1)


def test_patch_variance_is_the_published_one(reference: Path) -> None:
    expected = arrays(reference / "patch_variance.npz")
    for key in expected:
        name, patch = key.split("/")
        scores = variance_scores(history(reference, name), triple(patch))
        np.testing.assert_allclose(scores, expected[key], rtol=1e-5, atol=1e-7, err_msg=key)


def test_refined_cells_are_exactly_the_published_ones(reference: Path) -> None:
    expected = arrays(reference / "refine_ids.npz")
    fields = {name: history(reference, name) for name in {k.split("/")[0] for k in expected}}
    for key in expected:
        name, patch, setting = key.split("/")
        kind = "gamma" if setting.startswith("gamma") else "ratio"
        scores = variance_scores(fields[name], triple(patch))
        refined = refined_cells(scores, **{kind: float(setting.removeprefix(kind))})
        for cells, row in zip(refined, expected[key], strict=True):
            assert cells.tolist() == row[row >= 0].tolist(), key


def test_mixed_sequences_hold_the_published_tokens_in_the_published_order(reference: Path) -> None:
    layout = {
        key.removeprefix("layout/"): value
        for key, value in arrays(reference / "tokenizer_and_layout.npz").items()
        if key.startswith("layout/")
    }
    fields = history(reference, "struct_64x64")
    scores = variance_scores(fields, (1, 16, 16))
    refined = refined_cells(scores, gamma=float(layout["gamma"]))
    cut = Cut(grid=(1, 4, 4), split=(1, 4, 4), refined=refined)
    coarse = torch.from_numpy(layout["coarse_tokens_coded"])[:, :, 0].permute(1, 2, 0)
    fine = torch.from_numpy(layout["fine_tokens_coded"])[:, :, 0, 0].permute(1, 2, 3, 0)
    cells = fine.reshape(2, 4, 4, 4, 4, 3).transpose(2, 3).reshape(2, 256, 3)
    packing = pack(cut)
    packed = torch.cat([coarse, cells], dim=1).flatten(0, 1)[packing.rows]
    for sample, tokens in enumerate(packed.split(packing.segments.lengths)):
        merged = layout["merged_tokens"][:, sample, 0][:, layout["valid_mask"][sample]]
        np.testing.assert_array_equal(tokens.T, merged)
    samples, ids = cut.pairs()
    np.testing.assert_array_equal(samples * 16 + ids, layout["patch_ids"])
    local = cells.unflatten(1, (16, 16))[samples, ids]
    np.testing.assert_array_equal(local.permute(0, 2, 1), layout["local_tokens"][:, :, 0])


def test_canvas_shows_own_tokens_where_refined_and_the_coarse_one_elsewhere() -> None:
    refined = (torch.tensor([2, 0]), torch.tensor([], dtype=torch.long))
    cut = Cut(grid=(1, 1, 3), split=(1, 1, 2), refined=refined)
    packing = pack(cut)
    assert packing.segments.lengths == (5, 3)
    assert packing.rows.tolist() == [1, 7, 8, 3, 4, 9, 10, 11]
    assert packing.canvas.tolist() == [[[3, 4], [0, 0], [1, 2]], [[5, 5], [6, 6], [7, 7]]]
