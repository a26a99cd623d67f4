"""Random starts of compressible flow: functions of position, in units of the domain.

They follow what the published files show: levels of density and temperature that span a factor
of 100, waves of up to 4 periods, and a box outside of which half of the samples are uniform.
"""

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

LEVELS = (0.1, 10.0)
"""Density, and pressure over density."""
WAVES, LARGEST = 8, 4
"""Waves in a field, and the largest number of periods along an axis."""
LARGEST_CHANGE = 0.8
"""Of density and temperature, relative to their level."""
BOX, EDGE = 0.6, 0.015
"""Width of the box, and of its smooth edge."""
COMPRESSIVE = 0.1
"""Share of compressive waves in the kinetic energy of turbulence."""

Fields = tuple[
    Float[np.ndarray, "*space"], Float[np.ndarray, "*space"], Float[np.ndarray, "d *space"]
]
"""Density, pressure and velocity."""


def random_fields(
    random: np.random.RandomState, points: Sequence[np.ndarray], gamma: float, mach: float
) -> Fields:
    """Smooth waves on random levels; half of the samples are uniform outside a box at rest.

    Args:
        random: draws everything.
        points: coordinates per axis, from 0 to 1, that broadcast against one another.
        gamma: ratio of specific heats.
        mach: root mean square velocity over the level's speed of sound, before the box.
    """
    density, temperature = _level(random), _level(random)
    sound = math.sqrt(gamma * temperature)
    contrasts = random.uniform(0, LARGEST_CHANGE, 2)
    is_boxed = random.random_sample() < 0.5
    centers = random.uniform(BOX / 2 + 2 * EDGE, 1 - BOX / 2 - 2 * EDGE, len(points))
    box = np.ones(1)
    if is_boxed:
        for x, center in zip(points, centers, strict=True):
            box = box * _inside(x - center)
    changes = [1 + size * box * _waves(random, points) for size in contrasts]
    directions = random.standard_normal((len(points), WAVES))
    velocity = np.stack([_waves(random, points, weights) for weights in directions])
    velocity *= mach * sound / math.sqrt(float((directions**2).sum()) / 2)
    return density * changes[0], density * temperature * changes[1], box * velocity


def turbulence(
    random: np.random.RandomState, points: Sequence[np.ndarray], gamma: float, mach: float
) -> Fields:
    """Uniform gas of density 1 and sound speed 1 with eddies of all directions.

    Args: as of `random_fields`.
    """
    axes = len(points)
    numbers = np.stack(
        np.meshgrid(*[np.arange(-LARGEST, LARGEST + 1)] * axes, indexing="ij"), -1
    ).reshape(-1, axes)
    # One of each pair of opposite waves; the first of them are those with a negative number.
    numbers = numbers[: len(numbers) // 2]
    length = np.linalg.norm(numbers, axis=1, keepdims=True)
    amplitudes = random.standard_normal((2, *numbers.shape))
    along = (amplitudes * numbers).sum(-1, keepdims=True) * numbers / length**2
    parts = [amplitudes - along, along]
    for part, share in zip(parts, (1 - COMPRESSIVE, COMPRESSIVE), strict=True):
        part /= length
        part *= math.sqrt(2 * share / float((part**2).sum()))
    cosine, sine = parts[0] + parts[1]
    velocity = np.zeros((axes, *np.broadcast_shapes(*(x.shape for x in points))))
    for number, even, odd in zip(numbers, cosine, sine, strict=True):
        angle = 2 * math.pi * sum(n * x for n, x in zip(number, points, strict=True))
        velocity += np.multiply.outer(even, np.cos(angle)) + np.multiply.outer(odd, np.sin(angle))
    uniform = np.ones(velocity.shape[1:])
    return uniform, uniform / gamma, mach * velocity


def shock_tube(
    random: np.random.RandomState, points: Sequence[np.ndarray], gamma: float, mach: float
) -> Fields:
    """Two random gases that meet at a random place across the x axis.

    Args: as of `random_fields`; `mach` bounds the speeds of both over those of their sounds.
    """
    gases = []
    for _ in range(2):
        density, temperature = _level(random), _level(random)
        speed = mach * math.sqrt(gamma * temperature) * random.uniform(-1, 1)
        gases.append((density, density * temperature, speed))
    is_left = points[0] < random.uniform(0.3, 0.7)
    shape = np.broadcast_shapes(*(x.shape for x in points))
    fields = [
        np.broadcast_to(np.where(is_left, left, right), shape)
        for left, right in zip(*gases, strict=True)
    ]
    velocity = np.zeros((len(points), *shape))
    velocity[0] = fields[2]
    return fields[0], fields[1], velocity


def _level(random: np.random.RandomState) -> float:
    return float(random.uniform(*LEVELS))


def _waves(
    random: np.random.RandomState, points: Sequence[np.ndarray], weights: np.ndarray | None = None
) -> Float[np.ndarray, "*space"]:
    """A sum of sines with random wavenumbers and phases; without weights within ±1."""
    if weights is None:
        weights = random.uniform(0, 1, WAVES)
        weights /= weights.sum()
    numbers = random.randint(-LARGEST, LARGEST + 1, (WAVES, len(points)))
    # No wave is a constant.
    numbers[(numbers == 0).all(1), 0] = 1
    phases = random.uniform(0, 2 * math.pi, WAVES)
    total: np.ndarray = sum(
        weight
        * np.sin(2 * math.pi * sum(n * x for n, x in zip(number, points, strict=True)) + phase)
        for weight, number, phase in zip(weights, numbers, phases, strict=True)
    )
    return total


def _inside(distance: np.ndarray) -> np.ndarray:
    """1 in the box and 0 outside, along one axis."""
    return (np.tanh((distance + BOX / 2) / EDGE) - np.tanh((distance - BOX / 2) / EDGE)) / 2
