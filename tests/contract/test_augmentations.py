"""Augmentations are functions of a sample's seed, and nothing at strength 0."""

import pytest
import torch

from matey_core.augmentations import AUGMENTATIONS
from matey_core.augmentations.noise import Noise
from tests.formula import batch_of, spec_of


@pytest.mark.parametrize("name", AUGMENTATIONS.names())
def test_a_sample_is_changed_by_its_own_seed_alone(name: str) -> None:
    batch = batch_of(spec_of((16, 24)), samples=3)
    augment = AUGMENTATIONS[name](0.5)
    together = augment(batch, [5, 6, 7]).history
    alone = augment(batch.select(slice(1, 2)), [6]).history
    assert torch.equal(together[1:2], alone)
    assert not torch.equal(together[1], augment(batch, [5, 8, 7]).history[1])


@pytest.mark.parametrize("name", AUGMENTATIONS.names())
def test_nothing_happens_at_strength_0(name: str) -> None:
    batch = batch_of(spec_of((16, 24)))
    assert torch.equal(AUGMENTATIONS[name](0.0)(batch, [1, 2, 3]).history, batch.history)


def test_noise_is_white_and_as_large_as_the_last_change_allows() -> None:
    batch = batch_of(spec_of((64, 64), fields=1), samples=200, frames=2)
    history = batch.history
    noise = Noise(0.4)(batch, list(range(200))).history - history
    change = (history[:, 1] - history[:, 0]).square().mean((1, 2, 3)).sqrt()
    amount = noise.flatten(1).std(1) / change
    assert amount.max() < 0.41
    assert amount.mean().item() == pytest.approx(0.2, abs=0.03)
    assert (noise.flatten(1).mean(1) / change).abs().max() < 0.03
    neighbours = (noise[..., 1:] * noise[..., :-1]).mean() / noise.square().mean()
    assert abs(neighbours.item()) < 0.01
