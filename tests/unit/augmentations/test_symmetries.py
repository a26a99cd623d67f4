"""Which symmetries a store allows, and what they do to the fields."""

import itertools
from collections.abc import Sequence

import numpy as np
import pytest
import torch

from matey_core.augmentations import AUGMENTATIONS
from matey_core.augmentations._symmetries import Symmetry, symmetries
from matey_core.batches import FieldBatch
from matey_core.fields import Boundary, Field, FieldSpec, Grid
from matey_core.quantities import known_fields

FLOW2 = ("density", "velocity_x", "velocity_y", "vorticity")
TENSORS2 = (*FLOW2, "stress_xx", "stress_xy", "stress_yy", "Bx", "By", "Bz")
FLOW3 = ("pressure", "Vx", "Vy", "Vz", "vorticity_x", "vorticity_y", "vorticity_z")
STRESS3 = tuple(f"stress_{pair}" for pair in ("xx", "xy", "xz", "yy", "yz", "zz"))


def spec_of(
    names: Sequence[str],
    shape: tuple[int, ...],
    *,
    axes: str = "xyz",
    boundary: tuple[Boundary, ...] | None = None,
    spacing: tuple[float, ...] | None = None,
    directed: tuple[str, ...] = (),
) -> FieldSpec:
    periodic: tuple[Boundary, ...] = ("periodic",) * len(shape)
    return FieldSpec(
        fields=known_fields(names),
        grid=Grid(
            axes=tuple(axes[: len(shape)]),
            shape=shape,
            spacing=spacing or (0.5,) * len(shape),
            boundary=boundary or periodic,
            directed=directed,
        ),
        time_step=1.0,
    )


def frames_of(spec: FieldSpec) -> torch.Tensor:
    shape = (2, len(spec.fields), *spec.grid.shape)
    return torch.randn(shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64)


def rotations(spec: FieldSpec) -> list[Symmetry]:
    return [symmetry for symmetry in symmetries(spec) if symmetry.is_rotation]


@pytest.mark.parametrize(
    ("spec", "mirrors", "turns"),
    [
        (spec_of(["density", "velocity_x"], (8,)), 2, 1),
        (spec_of(FLOW2, (8, 8)), 4, 4),
        (spec_of(FLOW2, (8, 6)), 4, 2),
        (spec_of(FLOW2, (8, 8), spacing=(0.5, 0.6)), 4, 2),
        (spec_of(FLOW2, (8, 8), spacing=(0.5, 0.500001)), 4, 4),
        (spec_of(FLOW2, (8, 8), boundary=("periodic", "outflow")), 4, 2),
        (spec_of(FLOW2, (8, 8), directed=("y",)), 2, 1),
        (spec_of(["density", "velocity_x"], (8, 8)), 4, 2),
        (spec_of(["density", "velocity_z"], (8, 8)), 4, 4),
        (spec_of(["velocity_x", "Vx", "velocity_y"], (8, 8)), 4, 2),
        (spec_of(["stress_xx", "stress_xy"], (8, 8)), 4, 2),
        (spec_of(["uwnd", "wwnd"], (8, 8), axes="zx", directed=("z",)), 2, 1),
        (spec_of(["stress_xx", "stress_xy", "stress_yy"], (8, 8)), 4, 4),
        (spec_of(FLOW3, (4, 4, 4)), 8, 24),
        (spec_of(STRESS3, (4, 4, 4)), 8, 24),
        (spec_of(FLOW3, (4, 4, 4), directed=("z",)), 4, 4),
        (spec_of(FLOW3, (4, 4, 6)), 8, 8),
        (spec_of(FLOW3, (4, 5, 6)), 8, 4),
        (spec_of(["density"], (4, 4), axes="ab"), 4, 4),
        (spec_of(["velocity_x"], (4, 4), axes="ab"), 1, 1),
    ],
    ids=str,
)
def test_the_store_decides_what_is_allowed(spec: FieldSpec, mirrors: int, turns: int) -> None:
    assert sum(symmetry.is_mirror for symmetry in symmetries(spec)) == mirrors
    assert len(rotations(spec)) == turns


SPECS = [
    spec_of(["density", "velocity_x"], (7,)),
    spec_of(TENSORS2, (6, 6)),
    spec_of(TENSORS2, (6, 6), axes="yx"),
    spec_of(TENSORS2, (6, 4)),
    spec_of((*FLOW3, *STRESS3), (3, 3, 3)),
    spec_of((*FLOW3, *STRESS3), (3, 3, 4)),
]


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_symmetries_form_a_group(spec: FieldSpec) -> None:
    frames = frames_of(spec)
    group = symmetries(spec)
    images = {symmetry(frames).numpy().tobytes() for symmetry in group}
    assert len(images) == len(group)
    assert frames.numpy().tobytes() in images
    for first, second in itertools.islice(itertools.product(group, repeat=2), 0, None, 7):
        assert second(first(frames)).numpy().tobytes() in images


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_twice_a_mirror_and_four_times_a_turn_are_nothing(spec: FieldSpec) -> None:
    frames = frames_of(spec)
    for symmetry in symmetries(spec):
        period = 2 if symmetry.is_mirror else 12
        result = frames
        for _ in range(period):
            result = symmetry(result)
        assert torch.equal(result, frames)


def test_a_quarter_turn_is_numpys() -> None:
    spec = spec_of(["velocity_x", "velocity_y", "density"], (5, 5))
    frames = frames_of(spec)
    turned = np.rot90(frames.numpy(), axes=(2, 3))  # (x, y) goes to (−y, x)
    expected = np.stack([-turned[:, 1], turned[:, 0], turned[:, 2]], axis=1)
    results = [symmetry(frames).numpy() for symmetry in rotations(spec)]
    assert sum(np.array_equal(result, expected) for result in results) == 1


@pytest.mark.parametrize("spec", SPECS[1:4:2] + SPECS[4:], ids=str)
def test_fields_follow_as_their_formulas_do(spec: FieldSpec) -> None:
    """Evaluate at Q⁻¹x, turn with dense matrices, and compare with what the class does."""
    grid = spec.grid
    dims = grid.num_axes
    lines = [np.arange(points) - (points - 1) / 2 for points in grid.shape]
    points = np.stack(np.meshgrid(*lines, indexing="ij"))
    for symmetry in symmetries(spec):
        matrix = np.zeros((dims, dims))
        matrix[range(dims), symmetry.source] = symmetry.direction
        full = np.eye(3)
        full[:dims, :dims] = matrix
        back = np.einsum("ji,j...->i...", matrix, points)
        before = torch.from_numpy(components(spec, formulas(points)))
        expected = components(spec, turned(formulas(back), full))
        after = symmetry(before[None])[0].numpy()
        np.testing.assert_allclose(after, expected, rtol=0, atol=1e-12)


def formulas(points: np.ndarray) -> dict[str, np.ndarray]:
    """A scalar, a vector, a pseudovector and a symmetric tensor, each without any symmetry."""
    weights = np.array([1.0, 0.7, -0.4])[: len(points)]
    phase = np.einsum("i,i...->...", weights, points) + 0.3
    vector = np.stack([np.sin(phase + k) + k * phase for k in range(3)])
    pseudo = np.stack([np.cos(2 * phase - k) - k for k in range(3)])
    tensor = vector[:, None] * vector + 2 * np.sin(phase) * np.ones((3, 3, *[1] * len(points)))
    return {"scalar": np.exp(0.1 * phase), "vector": vector, "pseudo": pseudo, "tensor": tensor}


def turned(parts: dict[str, np.ndarray], matrix: np.ndarray) -> dict[str, np.ndarray]:
    sign = np.linalg.det(matrix)
    return {
        "scalar": parts["scalar"],
        "vector": np.einsum("ij,j...->i...", matrix, parts["vector"]),
        "pseudo": sign * np.einsum("ij,j...->i...", matrix, parts["pseudo"]),
        "tensor": np.einsum("ik,jl,kl...->ij...", matrix, matrix, parts["tensor"]),
    }


def components(spec: FieldSpec, parts: dict[str, np.ndarray]) -> np.ndarray:
    """(c, *space) the components that the spec names."""
    return np.stack([_component(field, parts) for field in spec.fields])


def _component(field: Field, parts: dict[str, np.ndarray]) -> np.ndarray:
    index = tuple("xyz".index(axis) for axis in field.component)
    if field.name == "vorticity":
        return parts["pseudo"][2]
    if not index:
        return parts["scalar"]
    if len(index) == 2:
        return parts["tensor"][index]
    return parts["pseudo" if field.is_pseudo else "vector"][index]


@pytest.mark.parametrize("name", ["flip", "rotate", "roll"])
def test_history_targets_and_mask_move_together(name: str) -> None:
    spec = spec_of(FLOW2, (6, 6))
    frames = frames_of(spec).float()[None].expand(40, -1, -1, -1, -1)
    batch = FieldBatch(
        spec=spec,
        history=frames,
        lead_steps=torch.ones(40, 2, dtype=torch.long),
        targets=frames,
        valid=frames.abs() > 0.5,
    )
    after = AUGMENTATIONS[name]().build()(batch, range(40))
    assert after.targets is not None
    assert after.valid is not None
    assert torch.equal(after.history, after.targets)
    assert torch.equal(after.history.abs() > 0.5, after.valid)
    seen = {sample.numpy().tobytes() for sample in after.history}
    assert len(seen) == {"flip": 4, "rotate": 4}.get(name, len(seen))
    assert name != "roll" or len(seen) > 20
