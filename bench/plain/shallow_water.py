"""Shallow water by wave propagation, one sweep after the other, in whole NumPy arrays."""

import numpy as np

from matey_core.simulators import Sample, Simulator


def trajectory(simulator: Simulator, sample: Sample) -> np.ndarray:
    """Solve one sample in float64: (t, 1, x, y)."""
    interval, spacing = simulator.spec.time_step, simulator.spec.grid.spacing[0]
    gravity = sample.parameters["gravity"]
    fastest = 2 * np.sqrt(gravity * sample.parameters["inner_height"])
    steps = int(np.ceil(fastest * interval / (0.9 * spacing)))
    ratio = interval / steps / spacing
    states = sample.state.numpy()
    frames = [states[:1]]
    for _ in range(simulator.num_frames - 1):
        for _ in range(steps):
            first = along_y(along_x(states, ratio, gravity), ratio, gravity)
            second = along_x(along_y(states, ratio, gravity), ratio, gravity)
            states = (first + second) / 2
        frames.append(states[:1])
    return np.stack(frames)


def along_y(states: np.ndarray, ratio: float, gravity: float) -> np.ndarray:
    swapped = along_x(states[[0, 2, 1]].swapaxes(1, 2), ratio, gravity)
    return swapped.swapaxes(1, 2)[[0, 2, 1]]


def along_x(states: np.ndarray, ratio: float, gravity: float) -> np.ndarray:
    """One step of the equations along the first axis of space."""
    padded = np.pad(states, ((0, 0), (2, 2), (0, 0)), mode="edge")
    h, momentum, across = padded
    u, v, root = momentum / h, across / h, np.sqrt(h)

    weight = root[:-1] + root[1:]
    mean_u = (root[:-1] * u[:-1] + root[1:] * u[1:]) / weight
    mean_v = (root[:-1] * v[:-1] + root[1:] * v[1:]) / weight
    c = np.sqrt(gravity * (h[:-1] + h[1:]) / 2)
    zero, one = np.zeros_like(c), np.ones_like(c)

    jump = np.diff(padded, axis=1)
    excess = (jump[1] - mean_u * jump[0]) / c
    strengths = [(jump[0] - excess) / 2, jump[2] - mean_v * jump[0], (jump[0] + excess) / 2]
    vectors = [(one, mean_u - c, mean_v), (zero, zero, one), (one, mean_u + c, mean_v)]
    speeds = np.stack([mean_u - c, mean_u, mean_u + c])
    waves = np.stack([a * np.stack(vector) for a, vector in zip(strengths, vectors, strict=True)])

    sizes = np.abs(speeds)
    cell_c = np.sqrt(gravity * h)
    spread = np.stack([np.diff(u - cell_c, axis=0), zero, np.diff(u + cell_c, axis=0)])
    viscosity = np.maximum(sizes, spread)

    neighbors = (waves[:, :, :-1] * waves[:, :, 1:]).sum(1)
    square = (waves * waves).sum(1)[:, 1:-1]
    product = np.where(speeds[:, 1:-1] > 0, neighbors[:, :-1], neighbors[:, 1:])
    theta = np.divide(product, square, out=np.zeros_like(square), where=square > 0)
    limiter = np.clip(np.minimum((1 + theta) / 2, 2 * theta), 0, 2)
    second = sizes * (1 - ratio * sizes)
    factors = second[:, 1:-1] * limiter - viscosity[:, 1:-1]

    flux = np.stack([momentum, momentum * u + gravity / 2 * h * h, momentum * v])
    faces = (flux[:, 1:-2] + flux[:, 2:-1] + (factors[:, None] * waves[:, :, 1:-1]).sum(0)) / 2
    return states - ratio * np.diff(faces, axis=1)
