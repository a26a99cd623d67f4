"""Dry air over a hydrostatic column: finite volumes of fourth order, split by direction.

States are perturbations from the column. The scheme is that of the public mini-app
miniWeather: fluxes of interpolated values with a fourth-order hyperviscosity, three stages
that start from the same state. Ours differs in rounding only: pressures are perturbations too.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from matey_core.simulators._power import power_minus_one

GRAVITY = 9.8
HEAT_CAPACITY = 1004.0
"""Of dry air at constant pressure, J kg-1 K-1."""
GAS_CONSTANT = 287.0
SURFACE_PRESSURE = 1e5
C0 = 27.5629410929725921310572974482
GAMMA = 1.40027894002789400278940027894
"""p = C0 (ρθ)^γ."""
SURFACE_THETA = 300.0
BUOYANCY_FREQUENCY = 0.02
"""Of the stable column, s-1."""
HYPERVISCOSITY = 0.05
"""Share of the shortest wave of the grid that a step takes away."""
CFL = 1.5
FASTEST = 450.0
"""Speed of sound and wind together that the step is made for, m s-1."""
GHOSTS = 2
DENSITY, MOMENTUM_X, MOMENTUM_Z, DENSITY_THETA = range(4)

Column = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""From heights in m to ρ̄ in kg m-3 and θ̄ in K."""


def neutral(heights: Float[np.ndarray, "*n"]) -> tuple[np.ndarray, np.ndarray]:
    """Column of one potential temperature: air that is moved up stays there."""
    theta = np.full_like(heights, SURFACE_THETA)
    exner = 1 - GRAVITY * heights / (HEAT_CAPACITY * SURFACE_THETA)
    return _density(exner, theta), theta


def stable(heights: Float[np.ndarray, "*n"]) -> tuple[np.ndarray, np.ndarray]:
    """Column of one buoyancy frequency: air that is moved up swings back."""
    square = BUOYANCY_FREQUENCY**2
    theta = SURFACE_THETA * np.exp(square / GRAVITY * heights)
    rise = (theta - SURFACE_THETA) / (SURFACE_THETA * theta)
    return _density(1 - GRAVITY**2 / (HEAT_CAPACITY * square) * rise, theta), theta


def _density(exner: np.ndarray, theta: np.ndarray) -> np.ndarray:
    pressure = SURFACE_PRESSURE * exner ** (HEAT_CAPACITY / GAS_CONSTANT)
    return (pressure / C0) ** (1 / GAMMA) / theta


@dataclass(frozen=True, slots=True, kw_only=True)
class Background:
    """Twice what the column has where a sweep needs it: (rows, 1) each, two ghosts a side.

    Twice, for interpolated values are carried without their last factor ½.
    """

    density: Tensor
    density_theta: Tensor
    per_density_theta: Tensor
    """1 / density_theta."""
    pressure: Tensor


def background(column: Column, heights: Float[np.ndarray, " rows"], *, like: Tensor) -> Background:
    """Look up a column, in the dtype and on the device of `like`."""
    density, theta = column(heights)
    density_theta = density * theta
    rows = (density, density_theta, 0.25 / density_theta, C0 * density_theta**GAMMA)
    values = (torch.from_numpy(2 * row)[:, None].to(like) for row in rows)
    names = ("density", "density_theta", "per_density_theta", "pressure")
    return Background(**dict(zip(names, values, strict=True)))


def usual_step(spacing: tuple[float, float]) -> float:
    """Time step in s that the scheme is made for; its hyperviscosity is that of this step."""
    return CFL * min(spacing) / FASTEST


class Sweeper:
    """Memory and constants for a batch that is stepped: nothing is allocated between frames.

    Cells lie in one line, (4, b, rows, width) with ghosts, so that a neighbour is one
    place away along x and a row away along z, and every operation is one contiguous pass.
    What is computed across the ends of rows is overwritten before it is used.
    """

    def __init__(
        self,
        states: Float[Tensor, "b 4 z x"],
        column: Column,
        spacing: tuple[float, float],
        force: Float[Tensor, "b z x"] | None = None,
    ) -> None:
        """Take initial states in.

        Args:
            states: perturbations of ρ, ρu, ρw, ρθ; kept as they are.
            column: what they are perturbations of.
            spacing: height and width of a cell, m.
            force: on ρw, N m-3.
        """
        batch, _, self.nz, self.nx = states.shape
        self.spacing = spacing
        self.usual_step = usual_step(spacing)
        shape = (4, batch, self.nz + 2 * GHOSTS, self.nx + 2 * GHOSTS)
        self.cells, self.stage, self.other, self.second, self.work, self.flux = (
            states.new_zeros(shape) for _ in range(6)
        )
        self.speed, self.pressure = states.new_zeros(shape[1:]), states.new_zeros(shape[1:])
        index = np.arange(-GHOSTS, self.nz + GHOSTS)
        height = spacing[0]
        centers = background(column, (index + 0.5) * height, like=states)
        # The face above row j is where the sweep along z keeps its flux in row j. Those
        # beyond the walls are never used, and may lie too high for a column.
        faces = np.clip((index + 1) * height, 0, self.nz * height)
        self.backgrounds = (background(column, faces, like=states), centers)
        self.ratios = self._ratios(centers.density)
        self.force: Tensor | None = None
        if force is not None:
            self.force = torch.zeros_like(self.speed)
            self._inner(self.force)[:] = force
        self._inner(self.cells)[:] = states.transpose(0, 1)

    def states(self) -> Float[Tensor, "b 4 z x"]:
        """Copy the cells within the walls."""
        return self._inner(self.cells).transpose(0, 1).contiguous()

    def step(self, dt: float, *, first: Literal["z", "x"]) -> None:
        """Advance by one step: both sweeps, in the order that is asked for."""
        order = (0, 1) if first == "z" else (1, 0)
        for axis in order:
            self.sweep(axis, dt)

    def sweep(self, axis: int, dt: float) -> None:
        """Advance along one axis, 0 for z and 1 for x, in three stages."""
        self._stage(axis, self.cells, self.stage, dt, share=1 / 3)
        self._stage(axis, self.stage, self.other, dt, share=1 / 2)
        self._stage(axis, self.other, self.stage, dt, share=1.0)
        self.cells, self.stage = self.stage, self.cells

    def _stage(
        self, axis: int, source: Tensor, target: Tensor, step: float, *, share: float
    ) -> None:
        """Write cells + share × step × rate(source) into `target`."""
        away = 1 if axis else source.shape[-1]
        spacing = self.spacing[axis]
        (self._wrap if axis else self._wall)(source)
        line, second, work, flux = (
            values.view(-1) for values in (source, self.second, self.work, self.flux)
        )
        # Second differences s; twice the value at a face is (q − s/6) left + right of it.
        torch.add(line[: -2 * away], line[2 * away :], out=second[away:-away])
        second[away:-away].sub_(line[away:-away], alpha=2)
        torch.add(line, second, alpha=-1 / 6, out=work)
        torch.add(work[:-away], work[away:], out=flux[:-away])
        torch.sub(second[away:], second[:-away], out=work[:-away])
        if axis == 0:
            self._close_walls()
        self._fluxes(axis)
        flux.add_(work, alpha=2 * HYPERVISCOSITY * spacing / (16 * share * self.usual_step))
        dt = share * step
        base, new, factor = self.cells.view(-1), target.view(-1), dt / (2 * spacing)
        torch.add(base[away:], flux[away:], alpha=-factor, out=new[away:])
        new[away:].add_(flux[:-away], alpha=factor)
        if axis == 0:
            target[MOMENTUM_Z].add_(source[DENSITY], alpha=-GRAVITY * dt)
        if self.force is not None:
            # Each of the two sweeps adds its half.
            target[MOMENTUM_Z].add_(self.force, alpha=dt / 2)

    def _fluxes(self, axis: int) -> None:
        """Turn twice the values at faces into twice the fluxes through them, in place."""
        column, flux = self.backgrounds[axis], self.flux
        normal = MOMENTUM_X if axis else MOMENTUM_Z
        flux[DENSITY].add_(column.density)
        anomaly = torch.mul(flux[DENSITY_THETA], column.per_density_theta, out=self.second[0])
        power_minus_one(anomaly, GAMMA, out=self.pressure, work=self.speed)
        self.pressure.mul_(column.pressure)
        torch.div(flux[normal], flux[DENSITY], out=self.speed)
        flux[DENSITY_THETA].add_(column.density_theta)
        flux[DENSITY].copy_(flux[normal])
        flux[1:].mul_(self.speed)
        flux[normal].add_(self.pressure)

    def _close_walls(self) -> None:
        """Let nothing through the two faces at the walls: no wind, no diffusion of mass."""
        walls = slice(GHOSTS - 1, GHOSTS + self.nz, self.nz)
        self.flux[MOMENTUM_Z, :, walls] = 0
        self.work[DENSITY, :, walls] = 0

    def _wrap(self, cells: Tensor) -> None:
        cells[..., :GHOSTS] = cells[..., self.nx : self.nx + GHOSTS]
        cells[..., self.nx + GHOSTS :] = cells[..., GHOSTS : 2 * GHOSTS]

    def _wall(self, cells: Tensor) -> None:
        top = self.nz + GHOSTS
        lower, upper = self.ratios
        torch.mul(cells[:, :, GHOSTS : GHOSTS + 1], lower, out=cells[:, :, :GHOSTS])
        torch.mul(cells[:, :, top - 1 : top], upper, out=cells[:, :, top:])

    def _ratios(self, density: Float[Tensor, "rows 1"]) -> tuple[Tensor, Tensor]:
        """Ghost cells in units of the nearest inner cell, (4, 1, 2, 1): below and above."""
        top = self.nz + GHOSTS
        pair = []
        for ghosts, inner in ((density[:GHOSTS], GHOSTS), (density[top:], top - 1)):
            ratio = density.new_ones(4, 1, GHOSTS, 1)
            ratio[MOMENTUM_X] = ghosts / density[inner]
            ratio[MOMENTUM_Z] = 0
            pair.append(ratio)
        return pair[0], pair[1]

    def _inner(self, cells: Tensor) -> Tensor:
        return cells[..., GHOSTS:-GHOSTS, GHOSTS:-GHOSTS]
