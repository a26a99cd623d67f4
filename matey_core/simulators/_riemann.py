"""The HLLC flux of the Euler equations.

E. F. Toro, M. Spruce and W. Speares, Restoration of the contact surface in the HLL-Riemann
solver, Shock Waves 4 (1994); Toro's book, chapter 10. The outermost waves are bounded by
min(u) − c and max(u) + c with the larger of both sound speeds.
"""

import torch
from jaxtyping import Float
from torch import Tensor

DENSITY, PRESSURE, VELOCITY = 0, 1, 2
"""Channels of primitive variables; velocities follow one another."""
BUFFERS = 12
"""Channels of memory that `hllc` works in."""


def hllc(
    sides: Float[Tensor, "2 k m"],
    axis: int,
    gamma: float,
    *,
    out: Float[Tensor, "k m"],
    work: Float[Tensor, "12 m"],
) -> None:
    """Flux of mass, energy and momentum through faces.

    Outer waves are held to the side they run to, which makes the flux of a supersonic flow
    its upwind flux without a case of its own: the jump across a wave that stands still
    changes no flux. With the weight S*/(S − S*) of each side, zero where the contact S* moves
    towards it, there are no other cases either, and no branches.

    Args:
        sides: density, pressure and velocities, below the faces and above them.
        axis: which velocity is normal to the faces.
        gamma: ratio of specific heats.
        out: the flux; must not be part of `sides` or `work`.
        work: memory.
    """
    density, pressure, *velocities = sides.unbind(1)
    mass, energy, *momenta = out.unbind()
    speed = velocities[axis]
    (low_pressure, high_pressure), (low_speed, high_speed) = pressure.unbind(), speed.unbind()
    heat, wave, met, weight, room, (contact, star) = work.unflatten(0, (6, 2)).unbind()
    (low_wave, high_wave), (low_met, high_met) = wave.unbind(), met.unbind()
    sound = room[0]

    torch.div(pressure, density, out=heat)
    torch.maximum(heat[0], heat[1], out=sound).mul_(gamma).sqrt_()
    torch.minimum(low_speed, high_speed, out=low_wave).sub_(sound).clamp_(max=0)
    torch.maximum(low_speed, high_speed, out=high_wave).add_(sound).clamp_(min=0)
    # Mass that an outer wave meets in unit time: negative below, positive above.
    torch.sub(wave, speed, out=met).mul_(density)
    torch.sub(low_pressure, high_pressure, out=contact)
    contact.addcmul_(high_met, high_speed).addcmul_(low_met, low_speed, value=-1)
    contact.div_(torch.sub(high_met, low_met, out=star))
    torch.sub(contact, low_speed, out=star).mul_(low_met).add_(low_pressure)

    torch.clamp(contact, min=0, out=weight[0])
    torch.clamp(contact, max=0, out=weight[1])
    weight.div_(torch.sub(wave, contact, out=room))
    met.mul_(weight)
    torch.add(low_met, high_met, out=mass)
    for component, momentum in enumerate(momenta):
        if component == axis:
            torch.addcmul(star, mass, contact, out=momentum)
        else:
            carried = torch.mul(met, velocities[component], out=room)
            torch.add(carried[0], carried[1], out=momentum)

    heat.mul_(1 / (gamma - 1))
    for velocity in velocities:
        heat.addcmul_(velocity, velocity, value=0.5)
    # What the pressures do: p* S − p u.
    wave.mul_(star).addcmul_(pressure, speed, value=-1)
    heat.mul_(met).addcmul_(weight, wave)
    torch.add(heat[0], heat[1], out=energy)
