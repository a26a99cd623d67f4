"""Shifts and factors, number by number."""

from dataclasses import replace

import pytest
import torch

from matey_core.augmentations import AUGMENTATIONS
from matey_core.augmentations.noise import Noise
from matey_core.augmentations.roll import Roll
from matey_core.augmentations.scale import RandomScale
from matey_core.batches import FieldBatch
from matey_core.config import validate
from matey_core.errors import ConfigError
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


@pytest.mark.parametrize("name", ["flip", "roll", "rotate"])
def test_a_chance_is_at_most_1(name: str) -> None:
    with pytest.raises(ConfigError, match="strength: input should be less than or equal to 1"):
        validate(AUGMENTATIONS[name], {"strength": 1.5}, source="")
