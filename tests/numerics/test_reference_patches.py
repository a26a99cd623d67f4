"""Normalization, field projection, stems and heads against the published code's values."""

from pathlib import Path

import numpy as np
import pytest
import torch

from matey_core.models.paper.canvas import Statistics
from matey_core.models.paper.patches import FieldProjection, PaperHead, PaperStem, stage_kernels
from matey_core.models.paper.schemes import drop_rates
from tests.numerics.reference import arrays

PATCHES = {
    "2d_4": (1, 4, 4),
    "2d_8": (1, 8, 8),
    "2d_16": (1, 16, 16),
    "2d_32": (1, 32, 32),
    "3d_4": (4, 4, 4),
}


def weights(stored: dict[str, np.ndarray], prefix: str) -> dict[str, torch.Tensor]:
    """Parameters below `prefix`."""
    parts = ("in_proj", "out_proj", "out_head")
    return {
        key.removeprefix(prefix): torch.from_numpy(stored[key])
        for key in stored
        if key.startswith(prefix) and key.removeprefix(prefix).startswith(parts)
    }


def test_stage_kernels_follow_the_published_rule(reference: Path) -> None:
    stored = arrays(reference / "stem_kernels.npz")
    for size, factors in zip(stored["patch"], stored["factors3"], strict=True):
        assert [kernel[2] for kernel in stage_kernels((1, 1, int(size)))] == factors.tolist()
    for patch, kernels in zip(stored["patch_triples"], stored["kernels_triples"], strict=True):
        assert stage_kernels(tuple(patch.tolist())) == tuple(map(tuple, kernels.tolist()))


def test_statistics_are_the_published_ones(reference: Path) -> None:
    inputs, expected = (arrays(reference / f"{n}.npz") for n in ("inputs", "normalisation"))
    names = {key.split("/")[0] for key in expected} - {"graph"}
    assert len(names) >= 5
    for name in names:
        history = torch.from_numpy(inputs[name]).transpose(0, 1)
        found = Statistics.of(history)
        mean, std = expected[f"{name}/mean"], expected[f"{name}/std"]
        np.testing.assert_allclose(found.mean, mean[0, ..., 0, 0, 0], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(found.std, std[0, ..., 0, 0, 0], rtol=1e-5, atol=1e-9)
        if f"{name}/normalised" in expected:
            normalized = found.normalize(history).transpose(0, 1)
            np.testing.assert_allclose(
                normalized, expected[f"{name}/normalised"], rtol=1e-5, atol=1e-5
            )
        restored = found.restore(found.normalize(history)[:, -1])
        torch.testing.assert_close(restored, history[:, -1], rtol=1e-5, atol=1e-4)


def test_field_projection_is_the_published_one(reference: Path) -> None:
    stored = arrays(reference / "tokenizer_and_layout.npz")
    projection = FieldProjection(9, 8)
    projection.weight.data = torch.from_numpy(stored["linear/weight"])
    projection.bias.data = torch.from_numpy(stored["linear/bias"])
    x = torch.from_numpy(stored["linear/x"]).movedim(-1, 2).flatten(0, 1)
    y = projection(
        x.unsqueeze(2) if x.ndim == 4 else x, torch.from_numpy(stored["linear/labels"])[0]
    )
    expected = torch.from_numpy(stored["linear/y"]).movedim(-1, 2).flatten(0, 1)
    torch.testing.assert_close(y, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("case", PATCHES)
def test_stems_and_heads_compute_what_the_published_ones_do(reference: Path, case: str) -> None:
    stored = arrays(reference / "tokenizer_and_layout.npz")
    stem, head = PaperStem(16, PATCHES[case]), PaperHead(16, PATCHES[case], 3)
    stem.load_state_dict(weights(stored, f"stem_{case}/"))
    head.load_state_dict(weights(stored, f"dec_{case}/"))
    with torch.inference_mode():
        tokens = stem(torch.from_numpy(stored[f"stem_{case}/x"]))
        fields = head(tokens, torch.arange(3))
        some = head(tokens, torch.tensor([2, 0]))
    np.testing.assert_allclose(tokens, stored[f"stem_{case}/y"], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(fields, stored[f"dec_{case}/y"], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(some, fields[:, [2, 0]], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("depth", [1, 2, 4, 8, 16])
def test_drop_rates_are_the_published_ones(reference: Path, depth: int) -> None:
    expected = arrays(reference / "misc.npz")[f"droppath/blocks{depth}"]
    np.testing.assert_allclose(drop_rates(0.2, depth), expected, atol=1e-7)
