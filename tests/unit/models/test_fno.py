"""Fourier operator: exact transforms, symmetries, walls, grids of any size."""

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from matey_core.errors import ConfigError
from matey_core.fields import Boundary, Grid
from matey_core.models.fno import FnoBlock, FnoConfig, FnoModel
from matey_core.nn.spectral import FIRST_GAIN, SpectralLayer, Waves
from tests.formula import AXES, batch_of, spec_of

SHAPES = ((24,), (23,), (12, 15), (15, 10), (6, 8, 7))


def grid_of(shape: tuple[int, ...], boundary: Boundary = "periodic") -> Grid:
    return spec_of(shape, boundary=boundary).grid


def waves_of(shape: tuple[int, ...], modes: int, boundary: Boundary = "periodic") -> Waves:
    return Waves.of(grid_of(shape, boundary), modes, torch.device("cpu"))


def tiny(*, axes: int = 2, fields: int = 2, **settings: object) -> FnoModel:
    torch.manual_seed(0)
    config = FnoConfig.model_validate({"width": 12, "depth": 2, "modes": 4, **settings})
    names = ("density", "velocity_x", "pressure")[:fields]
    model = config.build(fields=names, num_axes=(axes,))
    with torch.no_grad():
        model.table.leave.mul_(50)  # answers of order one, as after training
    return model.eval()


@pytest.mark.parametrize("shape", SHAPES)
def test_all_waves_together_give_the_field_back(shape: tuple[int, ...]) -> None:
    waves, x = waves_of(shape, modes=32), torch.randn(2, *shape, 3)
    torch.testing.assert_close(waves.restore(waves.measure(x)), x, rtol=0, atol=2e-6)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_layer_is_the_usual_fourier_layer(shape: tuple[int, ...]) -> None:
    """The product with complex weights between numpy's transforms, truncated by hand."""
    modes, axes = 3, len(shape)
    layer = SpectralLayer(2, axes=axes, modes=modes)
    x = torch.randn(2, *shape, 2)
    weight = torch.complex(layer.weight[..., 0, :], layer.weight[..., 1, :]).detach()
    space = tuple(range(1, axes + 1))
    spectrum = torch.fft.rfftn(x.double(), dim=space)
    answer = torch.zeros_like(spectrum)
    for wave in torch.cartesian_prod(
        *[torch.arange(-modes, modes)] * (axes - 1), torch.arange(modes)
    ).reshape(-1, axes):
        place = tuple(wave.tolist())
        rows = (*(k + modes for k in place[:-1]), place[-1])
        answer[(slice(None), *place)] = spectrum[(slice(None), *place)] @ weight[rows].to(
            torch.complex128
        )
    expected = torch.fft.irfftn(answer, s=shape, dim=space).float()
    torch.testing.assert_close(layer(x, waves_of(shape, modes)), expected, rtol=0, atol=3e-6)


@pytest.mark.parametrize("is_last", [False, True])
def test_a_block_is_the_formula_that_it_states(is_last: bool) -> None:
    block, shape = FnoBlock(5, is_last=is_last), (8, 7)
    block.add_axes(2, 3)
    for weight in block.film.parameters():
        nn.init.normal_(weight)
    x, condition, waves = torch.randn(2, *shape, 5), torch.randn(2, 5), waves_of(shape, 3)
    near = torch.einsum("b y x i, o i -> b y x o", x, block.bypass.weight) + block.bypass.bias
    film = torch.einsum("b i, o i -> b o", condition, block.film.weight) + block.film.bias
    scale, shift = film[:, None, None, :5], film[:, None, None, 5:]
    expected = (block.spectral["2"](x, waves) + near) * (1 + scale) + shift
    if not is_last:
        expected = expected * (1 + torch.erf(expected / 2**0.5)) / 2
    torch.testing.assert_close(block(x, condition, waves), expected)


def test_the_last_block_alone_ends_without_a_nonlinearity() -> None:
    blocks = tiny(depth=3).blocks
    assert [block.is_last for block in blocks] == [False, False, True]


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_a_new_layer_has_the_gain_that_is_said(axes: int) -> None:
    """Random complex weights keep the size of waves, but for those that are their own conjugate."""
    torch.manual_seed(0)
    shape = (64, 24, 12)[:axes]
    layer, waves = SpectralLayer(48, axes=axes, modes=5), waves_of(shape, 5)
    kept = waves.restore(waves.measure(torch.randn(8, *shape, 48)))
    gain = layer(kept, waves).detach().std() / kept.std()
    assert float(gain) == pytest.approx(FIRST_GAIN, rel=0.05)


def test_known_weights_are_a_convolution_computed_by_hand() -> None:
    """The transform of a kernel as weights: a circular convolution, summed point by point."""
    points, layer = 11, SpectralLayer(1, axes=1, modes=6)
    kernel, x = torch.randn(points), torch.randn(points)
    transform = torch.fft.rfft(kernel)
    layer.weight.data[:, 0, 0, 0], layer.weight.data[:, 0, 1, 0] = transform.real, transform.imag
    expected = torch.stack(
        [sum(kernel[(i - j) % points] * x[j] for j in range(points)) for i in range(points)]
    )
    answer = layer(x.view(1, -1, 1), waves_of((points,), 6)).flatten()
    torch.testing.assert_close(answer, expected, rtol=0, atol=3e-6)


@pytest.mark.parametrize("finer", [(64, 48), (96, 60)])
def test_a_layer_is_the_same_operator_on_a_finer_grid(finer: tuple[int, ...]) -> None:
    coarse, layer = (32, 24), SpectralLayer(2, axes=2, modes=5)
    answers = {shape: layer(band_limited(shape), waves_of(shape, 5)) for shape in (coarse, finer)}
    places = [
        (math.gcd(a, b), a // math.gcd(a, b), b // math.gcd(a, b))
        for a, b in zip(coarse, finer, strict=True)
    ]
    (_, a, b), (_, c, d) = places
    torch.testing.assert_close(
        answers[coarse][:, ::a, ::c], answers[finer][:, ::b, ::d], rtol=0, atol=3e-6
    )


def band_limited(shape: tuple[int, int]) -> Tensor:
    """Waves up to (4, −4) that start at the first point."""
    y = torch.arange(shape[0]).double().unsqueeze(1) / shape[0]
    x = torch.arange(shape[1]).double() / shape[1]
    first = torch.sin(2 * math.pi * (4 * x - 4 * y)) + torch.cos(2 * math.pi * (x + 2 * y))
    second = torch.cos(2 * math.pi * (3 * x - y)) + 0.5
    return torch.stack([first, second], dim=-1).unsqueeze(0).float()


@pytest.mark.parametrize("shape", [(32,), (17,), (16, 21), (8, 6, 7)])
def test_a_shifted_field_is_answered_shifted(shape: tuple[int, ...]) -> None:
    model, batch = tiny(axes=len(shape)), batch_of(spec_of(shape))
    by, axes = tuple(range(3, 3 + len(shape))), tuple(range(-len(shape), 0))
    moved = replace(batch, history=batch.history.roll(by, axes))
    with torch.no_grad():
        answer, expected = model(moved).values, model(batch).values.roll(by, axes)
    assert (answer - moved.history[:, -1:]).std() > 0.1
    assert (answer - expected).abs().max() < 1e-5 * answer.abs().max()


@pytest.mark.parametrize("axis", [0, 1])
def test_nothing_wraps_around_between_walls(axis: int) -> None:
    """A smooth local kernel carries a peak at one end to the other end of periodic axes only."""
    shape, modes = (48, 40), 16
    layer = SpectralLayer(1, axes=2, modes=modes)
    numbers = [torch.arange(-modes, modes), torch.arange(modes)]
    smooth = torch.exp(-0.03 * (numbers[0].unsqueeze(1) ** 2 + numbers[1] ** 2))
    layer.weight.data.zero_()
    layer.weight.data[..., 0, 0, 0] = smooth
    x = torch.zeros(1, *shape, 1)
    x.select(axis + 1, shape[axis] - 1)[:] = 1.0
    with torch.no_grad():
        around = layer(x, waves_of(shape, modes)).select(axis + 1, 0)
        between = layer(x, waves_of(shape, modes, "no_slip")).select(axis + 1, 0)
    assert around.abs().mean() > 0.05
    assert between.abs().max() < 0.02 * around.abs().mean()


def test_the_lowest_wave_is_its_own_conjugate_and_the_shortest_counts_once() -> None:
    layer, shape = SpectralLayer(1, axes=1, modes=5), (8,)
    layer.weight.data.zero_()
    layer.weight.data[:, 0, 0, 0] = 1.0
    x = torch.tensor([1.0, -1.0] * 4).view(1, 8, 1) + 3.0
    torch.testing.assert_close(layer(x, waves_of(shape, 5)), x, rtol=0, atol=1e-6)


def test_bfloat16_leaves_the_waves_in_float32() -> None:
    layer, x, waves = (
        SpectralLayer(4, axes=2, modes=3),
        torch.randn(1, 9, 8, 4),
        waves_of((9, 8), 3),
    )
    with torch.autocast("cpu", torch.bfloat16):
        rough = layer(x, waves)
    assert rough.dtype == torch.float32
    assert torch.equal(rough, layer(x, waves))


def test_numbers_of_parameters_are_those_of_the_sizes() -> None:
    config = FnoConfig(preset="ti")
    with torch.device("meta"):
        model = config.build(fields=("a", "b", "c", "d"), num_axes=(2,))
    spectral = sum(
        block.get_parameter("spectral.2.weight").numel()
        for block in model.blocks
        if isinstance(block, FnoBlock)
    )
    assert spectral == 4 * (24 * 12) * 32 * 32 * 2
    assert sum(weight.numel() for weight in model.parameters()) == 2_386_408


def test_a_longer_history_than_the_model_reads_is_refused() -> None:
    model = tiny(frames=2)
    with pytest.raises(ConfigError, match="3 frames; the model reads 2"):
        model(batch_of(spec_of((16, 12))))


def test_a_mixture_shares_all_but_the_waves() -> None:
    model = tiny()
    before = {name for name, _ in model.named_parameters()}
    model.extend(fields=(), num_axes=(1, 3))
    new = {name for name, _ in model.named_parameters()} - before
    assert len(AXES) == 3
    assert new == {f"blocks.{block}.spectral.{axes}.weight" for block in (0, 1) for axes in (1, 3)}
