"""Augmentations are functions of a sample and its seed, and nothing at strength 0."""

import pickle
from dataclasses import replace

import pytest
import torch

from matey_core.augmentations import AUGMENTATIONS, Chain
from matey_core.augmentations.noise import Noise
from tests.formula import batch_of, spec_of

NAMES = AUGMENTATIONS.names()


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_is_changed_by_its_own_seed_alone(name: str) -> None:
    batch = batch_of(spec_of((16, 16)), samples=12)
    augment = AUGMENTATIONS[name](strength=0.5).build()
    seeds = list(range(5, 17))
    together = augment(batch, seeds)
    for index, seed in enumerate(seeds):
        alone = augment(batch.select(slice(index, index + 1)), [seed])
        assert torch.equal(together.history[index : index + 1], alone.history)
        assert together.targets is not None
        assert alone.targets is not None
        assert torch.equal(together.targets[index : index + 1], alone.targets)
    others = augment(batch, [seed + 100 for seed in seeds])
    assert not torch.equal(together.history, others.history)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(16,), (16, 24), (6, 6, 6)])
def test_what_a_batch_is_remains(name: str, shape: tuple[int, ...]) -> None:
    batch = batch_of(spec_of(shape), samples=5, leads=2)
    assert batch.targets is not None
    batch = replace(batch, valid=batch.targets > 0)
    before = batch.history.clone()
    after = pickle.loads(pickle.dumps(AUGMENTATIONS[name]().build()))(batch, range(5))
    assert after.spec is batch.spec
    assert after.lead_steps is batch.lead_steps
    assert torch.equal(batch.history, before)
    for value, changed in (
        (batch.history, after.history),
        (batch.targets, after.targets),
        (batch.valid, after.valid),
    ):
        assert changed.shape == value.shape
        assert changed.dtype == value.dtype
    assert after.valid.sum() == batch.valid.sum()


@pytest.mark.parametrize("name", NAMES)
def test_nothing_happens_at_strength_0(name: str) -> None:
    batch = batch_of(spec_of((16, 24)))
    assert torch.equal(
        AUGMENTATIONS[name](strength=0.0).build()(batch, [1, 2, 3]).history, batch.history
    )


def test_a_chain_gives_each_part_seeds_of_its_own_and_the_first_the_samples() -> None:
    batch = batch_of(spec_of((16, 16)), samples=2)
    noise = Noise(0.4)
    assert torch.equal(Chain([noise])(batch, [5, 6]).history, noise(batch, [5, 6]).history)
    twice = Chain([noise, noise])
    first = noise(batch, [5, 6])
    assert not torch.equal(twice(batch, [5, 6]).history, noise(first, [5, 6]).history)
    alone = twice(batch.select(slice(1, 2)), [6]).history
    assert torch.equal(twice(batch, [5, 6]).history[1:], alone)
    assert Chain([])(batch, [5, 6]) is batch


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


def test_noise_leaves_cells_alone_that_are_never_known() -> None:
    batch = batch_of(spec_of((16, 16)), leads=2)
    valid = torch.ones(3, 2, 2, 16, 16, dtype=torch.bool)
    valid[1, :, 0, 3:5] = False
    valid[2, 0, 1, 7] = False
    changed = Noise(0.4)(replace(batch, valid=valid), [1, 2, 3]).history != batch.history
    assert not changed[1, :, 0, 3:5].any()
    assert changed[2, :, 1, 7].any()
    assert changed.float().mean() > 0.9
