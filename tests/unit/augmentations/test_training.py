"""Augmentations in the stream of training batches."""

from pathlib import Path

import pytest
import torch

from matey_core.augmentations import AUGMENTATIONS, Chain
from matey_core.augmentations.noise import NoiseConfig
from matey_core.config import validate
from matey_core.data import Mixture, Windows
from matey_core.errors import ConfigError
from matey_core.runs.settings import TrainingConfig
from matey_core.store import open_store
from tests.support import tiny_store

NAMES = ("flip", "rotate", "roll", "scale", "noise")


def test_images_do_not_depend_on_the_number_of_processes(tmp_path: Path) -> None:
    store = open_store(tiny_store(tmp_path, fields=("density", "velocity_x", "velocity_y")))
    windows = Windows(store, store.samples("train"), history=3, max_lead=2)
    chain = Chain([AUGMENTATIONS[name]().build() for name in NAMES])

    def mixture(rank: int, world: int, augment: Chain | None) -> Mixture:
        return Mixture([windows], batch_size=4, seed=3, rank=rank, world=world, augment=augment)

    plain, whole = mixture(0, 1, None).batch(7), mixture(0, 1, chain).batch(7)
    parts = [mixture(rank, 4, chain).batch(7) for rank in range(4)]
    assert torch.equal(whole.history, torch.cat([part.history for part in parts]))
    assert whole.targets is not None
    assert torch.equal(
        whole.targets, torch.cat([p.targets for p in parts if p.targets is not None])
    )
    assert (whole.history != plain.history).flatten(1).any(1).all()


def test_the_settings_name_them_in_order() -> None:
    values = {"augment": ["roll", {"name": "noise", "strength": 0.1}, "flip"]}
    roll, noise, flip = validate(TrainingConfig, values, source="").augment
    assert (roll.name, noise.name, flip.name) == ("roll", "noise", "flip")
    assert (roll.strength, noise.strength) == (1.0, 0.1)
    assert TrainingConfig().augment == ()
    (standard,) = validate(TrainingConfig, {"augment": ["noise"]}, source="").augment
    assert standard == NoiseConfig(strength=0.3)


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"unknown name 'rotat'.*Did you mean 'rotate'\?"):
        validate(TrainingConfig, {"augment": ["rotat"]}, source="")
