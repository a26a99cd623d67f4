"""How far two states are from being a solution in time, and one explicit step.

From u at one time to û a time h later, u_t = Lu + N(u) says

û = e^{hL}u + ∫ e^{(h−s)L} N(u(s)) ds.

L is exact, in Fourier space, whatever h is. N is the parabola in time through what it is at u, at
û and between them: there, the state follows from u and the straight line between both N
(exponential time differencing, Cox & Matthews 2002, doi 10.1006/jcph.2002.6995). What remains is
of order h⁴, and nothing where the equation is linear. A trapezoid with (Lu + Lû)/2 would be
simpler, but it amplifies the shortest waves of û by |L| h/2, which drowns all others if L is stiff.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from matey_core.equations._fitting import KnownEquation
from matey_core.equations._spectral import Symbol, filtered

SMALL = 0.05
"""Size of z below which φ(z) is a sum of powers, as differences would cancel."""
TERMS = 8


def imbalance(
    equation: KnownEquation,
    before: Float[Tensor, "b c *space"],
    after: Float[Tensor, "b c *space"],
    interval: Float[Tensor, "b *ones"],
) -> Float[Tensor, "b c *space"]:
    """Give û less what the equation makes of u by then: 0 where it is satisfied.

    Args:
        equation: in time.
        before: u.
        after: û.
        interval: h, with as many axes as the states.
    """
    z = interval * equation.linear(before)
    if equation.equation.rest is None:
        return after - filtered(before, _cast(torch.exp(_double(z)), z))
    one, two, three = (_phi(z, order) for order in (1, 2, 3))
    half_one, half_two = (_phi(z / 2, order) for order in (1, 2))
    decay, half_decay = (_cast(torch.exp(_double(each)), z) for each in (z, z / 2))
    first, last = equation.rest(before), equation.rest(after)
    middle = filtered(before, half_decay) + interval / 2 * (
        filtered(first, half_one - half_two / 2) + filtered(last, half_two / 2)
    )
    change = (
        filtered(first, one - 3 * two + 4 * three)
        + filtered(equation.rest(middle), 4 * two - 8 * three)
        + filtered(last, 4 * three - two)
    )
    return after - filtered(before, decay) - interval * change


def step(
    equation: KnownEquation,
    states: Float[Tensor, "b c *space"],
    interval: Float[Tensor, "b *ones"],
) -> Float[Tensor, "b c *space"]:
    """Give by how much an explicit step changes states: exponential Euler, of first order.

    Args:
        equation: in time.
        states: u.
        interval: h, with as many axes as the states.
    """
    symbol = equation.linear(states)
    slope = filtered(states, symbol)
    if equation.equation.rest is not None:
        slope = slope + equation.rest(states)
    return interval * filtered(slope, _phi(interval * symbol, 1))


def _phi(z: Symbol, order: int) -> Symbol:
    """φ₁ = (eᶻ − 1)/z and φₙ₊₁ = (φₙ − 1/n!)/z, in the precision of z."""
    x = _double(z)
    is_small = x.abs() < SMALL
    safe = torch.where(is_small, 1.0, x)
    large, constant = torch.exp(safe), 1.0
    for number in range(1, order + 1):
        large = (large - constant) / safe
        constant /= number
    factor, powers, small = constant, torch.ones_like(x), torch.full_like(x, constant)
    for number in range(order + 1, order + TERMS):
        powers = powers * x
        factor /= number
        small = small + factor * powers
    return _cast(torch.where(is_small, small, large), z)


def _double(z: Tensor) -> Tensor:
    return z.to(torch.complex128 if z.is_complex() else torch.float64)


def _cast(values: Tensor, like: Tensor) -> Tensor:
    return values.to(like.dtype)
