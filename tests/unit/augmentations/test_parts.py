"""Shifts and factors, number by number."""

import math
from contextlib import nullcontext
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from matey_core.augmentations import AUGMENTATIONS
from matey_core.augmentations.noise import Noise
from matey_core.augmentations.roll import Roll
from matey_core.augmentations.scale import RandomScale
from matey_core.augmentations.shift import PhaseShift, shifted
from matey_core.batches import FieldBatch
from matey_core.config import validate
from matey_core.errors import ConfigError
from matey_core.fields import Field, FieldSpec, Grid
from matey_core.runs.capabilities import check_augmentations
from matey_core.runs.settings import TrainingConfig
from tests.unit.augmentations.test_symmetries import spec_of

SEEDS = range(200)


def batch_on(shape: tuple[int, ...], names: tuple[str, ...], **kwargs: object) -> FieldBatch:
    spec = spec_of(names, shape, **kwargs)  # type: ignore[arg-type]
    count = torch.Size(shape).numel()
    ramp = torch.arange(1.0, count + 1).reshape(shape)
    frames = ramp.expand(len(SEEDS), 2, len(names), *shape)
    leads = torch.ones(len(SEEDS), 1, dtype=torch.long)
    return FieldBatch(spec=spec, history=frames, lead_steps=leads, targets=frames[:, :1])


def test_rolls_go_any_distance_along_periodic_axes_only() -> None:
    batch = batch_on((5, 4), ("density", "tracer"), boundary=("periodic", "outflow"))
    rolled = Roll(1.0)(batch, SEEDS)
    distances = []
    for before, after in zip(batch.history, rolled.history, strict=True):
        fits = [d for d in range(5) if torch.equal(before.roll(d, dims=2), after)]
        distances.extend(fits)
        assert len(fits) == 1
    assert set(distances) == set(range(5))
    still = batch_on((5,), ("density",), boundary=("outflow",))
    assert Roll(1.0)(still, SEEDS) is still


def test_a_roll_is_the_same_for_all_fields_and_times() -> None:
    batch = batch_on((5, 4), ("density", "tracer"))
    after = Roll(1.0)(batch, SEEDS)
    assert torch.equal(after.history[:, 0, 0], after.history[:, 1, 1])
    assert after.targets is not None
    assert torch.equal(after.history[:, 0, 0], after.targets[:, 0, 1])


def waves(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """A field of period 1 with wavenumbers up to 5, on a large mean."""
    return 50 + torch.sin(2 * math.pi * (3 * x - 2 * y) + 0.3) + 2 * torch.cos(10 * math.pi * y)


def test_a_shift_between_points_is_that_of_the_waves_themselves() -> None:
    x = torch.arange(16, dtype=torch.float64)[:, None] / 16
    y = torch.arange(11, dtype=torch.float64) / 11
    field = waves(x, y).float()[None, None]
    for along_x, along_y in ((0.37, 0.0), (5.0, 2.5), (15.9, 10.99)):
        exact = waves(x - along_x / 16, y - along_y / 11).float()
        found = shifted(field, {2: along_x, 3: along_y})[0, 0]
        assert (found - exact).abs().max() < 1e-5
    alternating = torch.tensor([1.0, -1.0]).repeat(8)[None, None]
    assert (shifted(alternating, {2: 0.25}) - alternating * 0.5**0.5).abs().max() < 1e-6


def test_shifts_go_any_distance_along_periodic_axes_only() -> None:
    batch = batch_on((16, 5), ("density", "tracer"), boundary=("periodic", "outflow"))
    wave = torch.sin(2 * math.pi * torch.arange(16) / 16)[:, None] * torch.arange(1.0, 6.0)
    batch = replace(
        batch, history=wave.expand(batch.history.shape), targets=wave.expand(200, 1, 2, 16, 5)
    )
    after = PhaseShift(1.0)(batch, SEEDS)
    assert after.targets is not None
    turned = (
        torch.fft.rfft(after.history, dim=3)[:, :, :, 1]
        / torch.fft.rfft(batch.history, dim=3)[:, :, :, 1]
    )
    assert (turned.abs() - 1).abs().max() < 1e-5
    distance = (-turned.angle() * 16 / (2 * math.pi)) % 16
    first = distance[:, :1, :1, :1]
    assert ((distance - first + 8) % 16 - 8).abs().max() < 1e-4
    assert torch.equal(after.targets[:, 0], after.history[:, 0])
    first = first.flatten()
    assert first.mean().item() == pytest.approx(8, abs=1)
    assert ((first - first.round()).abs() > 0.05).float().mean() > 0.8
    still = batch_on((5,), ("density",), boundary=("outflow",))
    assert PhaseShift(1.0)(still, SEEDS) is still


def test_shifts_are_whole_where_cells_are_missing() -> None:
    batch = batch_on((5, 4), ("density", "tracer"))
    assert batch.targets is not None
    after = PhaseShift(1.0)(replace(batch, valid=batch.targets > 3), SEEDS)
    assert after.targets is not None
    assert after.valid is not None
    assert torch.equal(after.valid, after.targets > 3)
    assert torch.equal(after.targets.flatten(2).sort()[0], batch.targets.flatten(2).sort()[0])


@pytest.mark.parametrize(
    ("field", "parameters", "refused"),
    [
        ("u", ("nu", "cx", "cy"), {"scale": "burgers_2d, which is not"}),
        ("temperature", ("nu",), {}),
        ("u", (), {}),
        (
            "vorticity",
            ("nu", "forcing"),
            {
                "scale": "vorticity, which",
                "roll": "force stands still",
                "shift": "force stands still",
            },
        ),
    ],
)
def test_what_is_wrong_for_a_known_equation_is_refused(
    field: str, parameters: tuple[str, ...], refused: dict[str, str]
) -> None:
    names = ("velocity_x", "velocity_y", field) if field == "vorticity" else (field,)
    grid = Grid(axes=("x", "y"), shape=(8, 8), spacing=(0.125,) * 2, boundary=("periodic",) * 2)
    spec = FieldSpec(fields=tuple(Field(name=name) for name in names), grid=grid, time_step=0.1)
    store = SimpleNamespace(spec=spec, parameters=parameters, given=(), name="mine")
    sources: list[Any] = [SimpleNamespace(store=store)]
    for part in ("scale", "roll", "shift", "noise"):
        config = validate(TrainingConfig, {"augment": [part]}, source="")
        if part in refused:
            with pytest.raises(ConfigError, match=f"{part} presumes .*mine.*{refused[part]}"):
                check_augmentations(config, sources)
        else:
            check_augmentations(config, sources)
    told = SimpleNamespace(**{**vars(store), "given": parameters[:1]})
    read: list[Any] = [SimpleNamespace(store=told)]
    config = validate(TrainingConfig, {"augment": [{"name": "shift", "strength": 0.0}]}, source="")
    check_augmentations(config, read)
    config = validate(TrainingConfig, {"augment": [{"name": "scale", "strength": 0.0}]}, source="")
    with pytest.raises(ConfigError, match="would stay") if parameters else nullcontext():
        check_augmentations(config, read)
    forced = {"augment": [{"name": "scale", "nonlinear": True}, {"name": "roll", "strength": 0.0}]}
    config = validate(TrainingConfig, forced, source="")
    check_augmentations(config, sources)


def test_strength_is_the_share_of_samples_that_take_part() -> None:
    batch = batch_on((64,), ("density",))
    changed = (Roll(0.25)(batch, SEEDS).history != batch.history).flatten(1).any(1)
    assert changed.float().mean().item() == pytest.approx(0.25, abs=0.08)


def test_factors_are_shared_by_components_and_log_uniform() -> None:
    names = ("density", "velocity_x", "velocity_y", "stress_xx", "stress_xy", "volume_fraction")
    batch = batch_on((4, 4), names)
    after = RandomScale(2.0)(batch, SEEDS)
    assert after.targets is not None
    factors = after.history / batch.history
    torch.testing.assert_close(factors, factors[:, :1, :, :1, :1].expand_as(factors))
    torch.testing.assert_close(after.targets, after.history[:, :1])
    density, x, y, xx, xy, fraction = factors[:, 0, :, 0, 0].log2().unbind(1)
    assert torch.equal(x, y)
    assert torch.equal(xx, xy)
    assert (fraction == 0).all()
    for powers in (density, x, xx):
        assert powers.abs().max() <= 2
        assert powers.mean().item() == pytest.approx(0, abs=0.25)
        assert powers.std().item() == pytest.approx(4 / 12**0.5, rel=0.1)
    assert abs(torch.corrcoef(torch.stack([density, x]))[0, 1]) < 0.2


def test_noise_is_in_proportion_in_any_units() -> None:
    """The squares of changes above 2e19 are not finite in float32."""
    batch = batch_on((4, 4), ("density",))
    history = batch.history * torch.tensor([1.0, 3.0]).view(2, 1, 1, 1)
    plain = Noise(0.3)(replace(batch, history=history), SEEDS).history
    assert (plain != history).all()
    for unit in (2.0**-60, 2.0**70):
        scaled = Noise(0.3)(replace(batch, history=history * unit), SEEDS).history
        assert torch.equal(scaled, plain * unit)


@pytest.mark.parametrize("name", ["flip", "roll", "rotate", "shift"])
def test_a_chance_is_at_most_1(name: str) -> None:
    with pytest.raises(ConfigError, match="strength: input should be less than or equal to 1"):
        validate(AUGMENTATIONS[name], {"strength": 1.5}, source="")
