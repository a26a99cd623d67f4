"""Shallow water around a pier: nothing enters it, and both axes are alike."""

from dataclasses import replace

import numpy as np
import torch

from bench.obstacle import Pier, simulate
from matey_core.simulators._integrate import collate
from matey_core.simulators.shallow_water import ShallowWaterConfig


def test_a_wave_at_the_pier_loses_no_water() -> None:
    height = simulate(samples=1, grid=32, steps=4, seed=5, interval=0.1)["height"][0]
    volume = height.nansum((1, 2))
    torch.testing.assert_close(volume, volume[:1].expand(5), rtol=1e-9, atol=0)
    solid = height[0].isnan()
    beside = torch.zeros_like(solid)
    for axis in (0, 1):
        beside |= solid.roll(1, axis) | solid.roll(-1, axis)
    assert height[0][beside & ~solid].max() == 2, "the column does not touch the pier"


def test_turned_around_it_computes_the_same() -> None:
    pier = Pier(ShallowWaterConfig(grid=32, frames=5, interval=0.1))
    sample = pier.sample(np.random.RandomState(5))
    swap = {"first_x": "first_y", "last_x": "last_y", "first_y": "first_x", "last_y": "last_x"}
    drawn = sample.parameters
    turned = replace(
        sample,
        state=sample.state.mT.contiguous(),
        parameters={name: drawn[swap.get(name, name)] for name in drawn},
    )
    last, other = (
        [*pier.frames(collate([each], torch.float64, "cpu"))][-1] for each in (sample, turned)
    )
    torch.testing.assert_close(other[0, [0, 2, 1]].mT, last[0], rtol=0, atol=1e-13)
