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


def hllc(
    left: Float[Tensor, "k m"], right: Float[Tensor, "k m"], axis: int, gamma: float
) -> Float[Tensor, "k m"]:
    """Flux of mass, energy and momentum through faces.

    Outer waves are held to the side they run to, which makes the flux of a supersonic flow
    its upwind flux without a case of its own: the jump across a wave that stands still
    changes no flux. With w = S*/(S − S*) of each side, zero unless the contact moves away
    from it, there are no other cases either, and no branches.

    Args:
        left: density, pressure and velocities on the faces' lower side.
        right: on their upper side.
        axis: which velocity is normal to the faces.
        gamma: ratio of specific heats.
    """
    normal = VELOCITY + axis
    velocities = range(VELOCITY, len(left))
    heat = [side[PRESSURE] / side[DENSITY] for side in (left, right)]
    sound = torch.maximum(*heat).mul_(gamma).sqrt_()
    speed_left = torch.minimum(left[normal], right[normal]).sub_(sound).clamp_(max=0)
    speed_right = torch.maximum(left[normal], right[normal]).add_(sound).clamp_(min=0)
    # Mass that an outer wave meets in unit time: negative on the left, positive on the right.
    met_left = (speed_left - left[normal]).mul_(left[DENSITY])
    met_right = (speed_right - right[normal]).mul_(right[DENSITY])
    contact = left[PRESSURE] - right[PRESSURE]
    contact.addcmul_(met_right, right[normal]).addcmul_(met_left, left[normal], value=-1)
    contact.div_(met_right - met_left)
    pressure = (contact - left[normal]).mul_(met_left).add_(left[PRESSURE])

    flux = torch.empty_like(left)
    weight_left = contact.clamp(min=0).div_(speed_left.sub(contact))
    weight_right = contact.clamp(max=0).div_(speed_right.sub(contact))
    mass_left, mass_right = met_left.mul_(weight_left), met_right.mul_(weight_right)
    mass = torch.add(mass_left, mass_right, out=flux[DENSITY])
    for channel in velocities:
        if channel == normal:
            torch.addcmul(pressure, mass, contact, out=flux[channel])
        else:
            torch.mul(mass_left, left[channel], out=flux[channel])
            flux[channel].addcmul_(mass_right, right[channel])

    energy = flux[PRESSURE].zero_()
    for side, content, moved, weight, speed in (
        (left, heat[0], mass_left, weight_left, speed_left),
        (right, heat[1], mass_right, weight_right, speed_right),
    ):
        content.mul_(1 / (gamma - 1))
        for channel in velocities:
            content.addcmul_(side[channel], side[channel], value=0.5)
        # Work of the pressures: p* S − p u.
        work = speed.mul_(pressure).addcmul_(side[PRESSURE], side[normal], value=-1)
        energy.addcmul_(moved, content).addcmul_(weight, work)
    return flux
