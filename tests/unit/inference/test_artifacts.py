"""Patterns of the patch grid in errors: seen where they are, and not where there are none."""

import itertools
import math

import pytest
import torch
from torch import Tensor

from matey_core.fields import Boundary, Field, FieldSpec, Grid
from matey_core.inference.artifacts import Artifact, ArtifactTally, PatchPower, lasting, strongest

SHAPES = ((256,), (64, 64), (32, 64), (32, 32, 32))
LEADS = 4


def spec(shape: tuple[int, ...], boundary: Boundary = "periodic") -> FieldSpec:
    return FieldSpec(
        fields=(Field(name="u"), Field(name="v")),
        grid=Grid(
            axes=("z", "y", "x")[-len(shape) :],
            shape=shape,
            spacing=(1.0,) * len(shape),
            boundary=(boundary,) * len(shape),
        ),
        time_step=1.0,
    )


def noise(
    shape: tuple[int, ...], *, exponent: float, seed: int, samples: int = 4, wraps: bool = True
) -> Tensor:
    """(b, 2, *shape) a random field whose spectrum falls like k to the power −`exponent`."""
    generator = torch.Generator().manual_seed(seed)
    sizes = [n if wraps else 2 * n for n in shape]
    white = torch.randn(samples, 2, *sizes, generator=generator, dtype=torch.float64)
    waves = torch.meshgrid(*(n * torch.fft.fftfreq(n) for n in sizes), indexing="ij")
    number = torch.stack(waves).square().sum(0).sqrt().clamp(min=1)
    axes = tuple(range(2, 2 + len(shape)))
    field = torch.fft.ifftn(torch.fft.fftn(white, dim=axes) * number ** (-exponent / 2), dim=axes)
    field = field.real[(..., *(slice(n) for n in shape))]
    return field / field.std()


def measured(shape: tuple[int, ...], errors: list[Tensor], boundary: Boundary) -> ArtifactTally:
    tally = ArtifactTally(spec(shape, boundary), (8, 16), len(errors))
    for lead, error in enumerate(errors):
        tally.add(lead, error)
    return tally


def found(tally: ArtifactTally, leads: int = LEADS) -> tuple[Artifact, ...]:
    return lasting([tally.at(index) for index in range(leads)])


def offsets(shape: tuple[int, ...], side: int, *, seed: int, samples: int = 4) -> Tensor:
    """Every patch of every sample is off by a random number of its own."""
    generator = torch.Generator().manual_seed(seed)
    counts = [n // side for n in shape]
    field = torch.randn(samples, 2, *counts, generator=generator, dtype=torch.float64)
    for axis in range(2, field.ndim):
        field = field.repeat_interleave(side, axis)
    return field


def same_pattern(shape: tuple[int, ...], side: int) -> Tensor:
    """A sawtooth along the last axis that is the same in every patch."""
    tooth = (torch.arange(shape[-1]) % side).double() - (side - 1) / 2
    return (tooth / tooth.std()).expand(1, 1, *shape)


def checkerboard(shape: tuple[int, ...]) -> Tensor:
    """Alternates from point to point along every axis."""
    signs = [(-1.0) ** torch.arange(n, dtype=torch.float64) for n in shape]
    board = torch.ones((), dtype=torch.float64)
    for sign in signs:
        board = board.unsqueeze(-1) * sign
    return board


@pytest.mark.parametrize("boundary", ["periodic", "no_flux"])
@pytest.mark.parametrize("shape", SHAPES)
def test_offsets_of_patches_are_found_at_their_edges(
    shape: tuple[int, ...], boundary: Boundary
) -> None:
    wraps = boundary == "periodic"
    errors = [
        noise(shape, exponent=4, seed=lead, samples=2, wraps=wraps)
        + (0.6 * offsets(shape, 8, seed=9, samples=2) if lead else 0)
        for lead in range(LEADS + 1)
    ]
    patterns = found(measured(shape, errors, boundary), LEADS + 1)
    assert {artifact.last.kind for artifact in patterns} == {"edges"}
    assert patterns[0].since == 2
    axes = {artifact.last.axis for artifact in patterns if artifact.last.patch == 8}
    assert axes == set(spec(shape).grid.axes)
    assert patterns[0].last.ratio > 3


def test_patches_of_sixteen_points_are_told_from_those_of_eight() -> None:
    for side in (8, 16):
        shape = (64, 64)
        errors = [
            noise(shape, exponent=4, seed=lead) + 0.3 * offsets(shape, side, seed=9)
            for lead in range(LEADS)
        ]
        patterns = found(measured(shape, errors, "periodic"))
        at_edges = {artifact.last.patch for artifact in patterns if artifact.last.kind == "edges"}
        # Half the edges of patches of 8 points are those of 16: both are off.
        assert at_edges == ({16} if side == 16 else {8, 16})


@pytest.mark.parametrize(
    ("shape", "boundary"),
    # On bounded axes, four patches leave too few wavenumbers between their harmonics.
    [*((shape, "periodic") for shape in SHAPES), *((shape, "no_flux") for shape in SHAPES[:3])],
)
def test_a_pattern_in_all_patches_is_found_as_harmonics(
    shape: tuple[int, ...], boundary: Boundary
) -> None:
    wraps = boundary == "periodic"
    errors = [
        noise(shape, exponent=4, seed=lead, wraps=wraps) + 0.3 * same_pattern(shape, 8)
        for lead in range(LEADS)
    ]
    patterns = found(measured(shape, errors, boundary))
    kinds = {(artifact.last.patch, artifact.last.kind) for artifact in patterns}
    assert (8, "harmonics") in kinds
    assert {artifact.last.axis for artifact in patterns} == {"x"}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_checkerboard_has_harmonics_but_no_edges(shape: tuple[int, ...]) -> None:
    errors = [noise(shape, exponent=4, seed=n) + 0.1 * checkerboard(shape) for n in range(LEADS)]
    patterns = found(measured(shape, errors, "periodic"))
    assert {artifact.last.kind for artifact in patterns} == {"harmonics"}
    assert len({artifact.last.axis for artifact in patterns}) == len(shape)


def test_offsets_of_patches_leave_no_harmonics() -> None:
    errors = [offsets((64, 64), 8, seed=lead, samples=8) for lead in range(LEADS)]
    powers = measured((64, 64), errors, "periodic").at(0)
    assert all(p.ratio < 1e-6 for p in powers if p.kind == "harmonics" and p.patch == 8)


@pytest.mark.parametrize("boundary", ["periodic", "no_flux"])
def test_noise_is_rarely_taken_for_a_pattern(boundary: Boundary) -> None:
    leads = []
    wraps = boundary == "periodic"
    for shape, exponent, samples in itertools.product(SHAPES[:2], (0, 3, 6), (1, 4)):
        errors = [
            noise(shape, exponent=exponent, seed=seed, samples=samples, wraps=wraps)
            for seed in range(LEADS)
        ]
        tally = measured(shape, errors, boundary)
        leads.append([tally.at(lead) for lead in range(LEADS)])
    cases = [power for case in leads for powers in case for power in powers]
    assert len(cases) > 500
    assert sum(power.is_found for power in cases) / len(cases) < 4e-3
    assert not any(lasting(case) for case in leads)


def test_scales_of_samples_and_fields_do_not_matter() -> None:
    error = noise((64, 64), exponent=4, seed=0) + 0.3 * offsets((64, 64), 8, seed=9)
    scale = torch.tensor([1e-9, 1.0, 1e6, 3.0], dtype=torch.float64).reshape(4, 1, 1, 1)
    one, two = (measured((64, 64), [e], "periodic").at(0) for e in (error, error * scale))
    assert [p.ratio for p in one] == pytest.approx([p.ratio for p in two], rel=1e-9)


def test_batches_add_up() -> None:
    error = noise((64, 64), exponent=4, seed=0)
    whole, parts = (ArtifactTally(spec((64, 64)), (8, 16), 1) for _ in range(2))
    whole.add(0, error)
    parts.add(0, error[:1])
    parts.add(0, error[1:])
    assert [p.ratio for p in parts.at(0)] == pytest.approx([p.ratio for p in whole.at(0)])


def test_only_finite_errors_and_what_lasts_to_the_last_of_them_count() -> None:
    shape = (64, 64)
    bad, plain = offsets(shape, 8, seed=1), noise(shape, exponent=4, seed=0)
    grid = [plain, plain + bad, plain, plain + bad, plain + bad, plain + bad, plain * math.nan]
    tally = measured(shape, grid, "periodic")
    assert tally.at(6) == ()
    assert {artifact.since for artifact in found(tally, 7)} == {4}
    assert found(measured(shape, [plain, plain + bad, plain], "periodic"), 3) == ()
    assert found(measured(shape, [plain * 0], "periodic"), 1) == ()


def test_axes_of_less_than_four_patches_have_nothing_to_compare() -> None:
    tally = ArtifactTally(spec((12, 40)), (16, 8), 1)
    tally.add(0, noise((12, 40), exponent=2, seed=0))
    assert {(power.axis, power.patch) for power in tally.at(0)} == {("x", 8)}


def test_the_strongest_of_each_patch_size() -> None:
    def power(patch: int, ratio: float) -> PatchPower:
        return PatchPower(field="u", axis="x", patch=patch, kind="edges", ratio=ratio, sigmas=9.0)

    powers = [power(8, math.nan), power(8, 2.0), power(8, 5.0), power(16, math.nan)]
    largest = strongest(powers)
    assert largest[8] == 5.0
    assert math.isnan(largest[16])
    assert Artifact(last=powers[2], since=1).last.is_found
