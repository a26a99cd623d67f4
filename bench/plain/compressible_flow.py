"""Compressible flow on a periodic box: limited slopes, HLLC, midpoint, viscous super steps."""

import math

import numpy as np

from matey_core.simulators import Sample
from matey_core.simulators.compressible_flow import CompressibleFlow

GAMMA = 5 / 3


def trajectory(simulator: CompressibleFlow, sample: Sample) -> np.ndarray:
    """Solve one sample in float64: (t, c, *space)."""
    state = sample.state.numpy().copy()
    eta, zeta = sample.parameters["eta"], sample.parameters["zeta"]
    spacing, stages = simulator.spec.grid.spacing[0], simulator.stages
    frames = [primitive(state)]
    for interval in np.diff(simulator.times):
        left = interval
        while left > 1e-12 * interval:
            dt = left / math.ceil(left / longest(state, spacing, eta, zeta, stages) - 1e-9)
            left -= dt
            state = viscous(state, dt / 2, spacing, eta, zeta, stages)
            half = state + dt / 2 * convection(state, spacing)
            state = state + dt * convection(half, spacing)
            state = viscous(state, dt / 2, spacing, eta, zeta, stages)
        frames.append(primitive(state))
    return np.stack(frames)


def primitive(state: np.ndarray) -> np.ndarray:
    """Density, pressure, velocities."""
    velocity = state[2:] / state[0]
    heat = state[1] - 0.5 * (state[2:] * velocity).sum(0)
    heat = np.maximum(heat, 1e-6 * state[1])
    return np.concatenate([state[:1], (GAMMA - 1) * heat[None], velocity])


def longest(state: np.ndarray, spacing: float, eta: float, zeta: float, stages: int) -> float:
    """Stable step."""
    density, pressure, *velocity = primitive(state)
    sound = np.sqrt(GAMMA * pressure / density)
    step = 0.8 * spacing / np.max(sum(np.abs(v) + sound for v in velocity))
    if stages:
        contrast = max(
            np.max((np.roll(density, 1, axis) + 2 * density + np.roll(density, -1, axis)) / density)
            for axis in range(density.ndim)
        )
        diffusion = (4 / 3 * eta + zeta + (density.ndim - 1) * eta) * contrast / 4
        reach = (stages**2 + stages - 2) / 4
        step = min(step, 0.9 * reach * spacing**2 / diffusion)
    return float(step)


def convection(state: np.ndarray, spacing: float) -> np.ndarray:
    """Time derivative without viscosity."""
    cells = primitive(state)
    rate = np.zeros_like(state)
    for axis in range(1, state.ndim):
        ahead = np.roll(cells, -1, axis) - cells
        behind = np.roll(ahead, 1, axis)
        smaller = 2 * np.minimum(np.abs(ahead), np.abs(behind))
        central = (ahead + behind) / 2
        slope = np.where(
            ahead * behind > 0, np.sign(central) * np.minimum(np.abs(central), smaller), 0.0
        )
        left = cells + slope / 2
        right = np.roll(cells - slope / 2, -1, axis)
        flux = hllc(left, right, 1 + axis)
        rate -= (flux - np.roll(flux, 1, axis)) / spacing
    return rate


def hllc(left: np.ndarray, right: np.ndarray, normal: int) -> np.ndarray:
    """Flux through faces, as in Toro's book."""
    sound = np.sqrt(GAMMA * np.maximum(left[1] / left[0], right[1] / right[0]))
    slowest = np.minimum(left[normal], right[normal]) - sound
    fastest = np.maximum(left[normal], right[normal]) + sound
    a = left[0] * (slowest - left[normal])
    b = right[0] * (fastest - right[normal])
    contact = (right[1] - left[1] + a * left[normal] - b * right[normal]) / (a - b)
    to_left, to_right = (
        side_flux(side, speed, contact, normal)
        for side, speed in ((left, slowest), (right, fastest))
    )
    flux = np.where(contact >= 0, to_left[1], to_right[1])
    flux = np.where(slowest >= 0, to_left[0], flux)
    return np.where(fastest <= 0, to_right[0], flux)


def side_flux(
    side: np.ndarray, speed: np.ndarray, contact: np.ndarray, normal: int
) -> tuple[np.ndarray, np.ndarray]:
    """Euler flux of one side, and the flux between its outer wave and the contact."""
    density, pressure, velocity = side[0], side[1], side[normal]
    energy = pressure / (GAMMA - 1) + 0.5 * density * (side[2:] ** 2).sum(0)
    state = np.concatenate([density[None], energy[None], density * side[2:]])
    flux = velocity * state
    flux[1] += pressure * velocity
    flux[normal] += pressure
    star = density * (speed - velocity) / (speed - contact)
    between = star * np.concatenate([np.ones_like(side[:1]), (energy / density)[None], side[2:]])
    between[normal] = star * contact
    lift = contact + pressure / (density * (speed - velocity))
    between[1] += star * (contact - velocity) * lift
    return flux, flux + speed * (between - state)


def viscous(
    state: np.ndarray, dt: float, spacing: float, eta: float, zeta: float, stages: int
) -> np.ndarray:
    """A second-order super step (RKL2) of the viscous terms."""
    if not stages:
        return state

    def rate(now: np.ndarray) -> np.ndarray:
        return dt * stresses(now, spacing, eta, zeta)

    b = [1 / 3] * 3 + [(j * j + j - 2) / (2 * j * (j + 1)) for j in range(3, stages + 1)]
    width = 4 / (stages**2 + stages - 2)
    first = rate(state)
    before, now = state, state + b[1] * width * first
    for j in range(2, stages + 1):
        mu = (2 * j - 1) / j * b[j] / b[j - 1]
        nu = -(j - 1) / j * b[j] / b[j - 2]
        following = mu * now + nu * before + (1 - mu - nu) * state
        following += mu * width * (rate(now) - (1 - b[j - 1]) * first)
        before, now = now, following
    return now


def stresses(state: np.ndarray, spacing: float, eta: float, zeta: float) -> np.ndarray:
    """Time derivative by viscosity: momentum gains ∇·τ, energy ∇·(τ·v)."""
    density, velocity = state[0], state[2:] / state[0]
    rate = np.zeros_like(state)
    for axis in range(len(velocity)):

        def face(values: np.ndarray, axis: int = axis) -> np.ndarray:
            return (values + np.roll(values, -1, axis)) / 2

        def slope(values: np.ndarray, along: int, axis: int = axis) -> np.ndarray:
            if along == axis:
                return (np.roll(values, -1, axis) - values) / spacing
            central = (np.roll(values, -1, along) - np.roll(values, 1, along)) / (2 * spacing)
            return (central + np.roll(central, -1, axis)) / 2

        divergence = sum(slope(v, along) for along, v in enumerate(velocity))
        for component, values in enumerate(velocity):
            stress = eta * (slope(values, axis) + slope(velocity[axis], component))
            if component == axis:
                stress = stress + (zeta - 2 / 3 * eta) * divergence
            stress = face(density) * stress
            work = stress * face(values)
            rate[2 + component] += (stress - np.roll(stress, 1, axis)) / spacing
            rate[1] += (work - np.roll(work, 1, axis)) / spacing
    return rate
