"""(1 + x)^a − 1 by additions, multiplications and one division.

`torch.pow` is slow on processors, loses the digits of a small x, and rounds differently at
the end of a tensor than within it: then a sample would depend on its place in the batch.
"""

import functools

import torch
from jaxtyping import Float
from torch import Tensor

DEGREES = {torch.float32: 3, torch.float64: 6}
"""Of numerator and denominator: exact to rounding for |x| < 0.2, to 3e-5 for x = 1."""


def power_minus_one(
    x: Float[Tensor, "*n"], exponent: float, *, out: Float[Tensor, "*n"], work: Float[Tensor, "*n"]
) -> Float[Tensor, "*n"]:
    """Compute (1 + x)^exponent − 1 by its Padé approximant, which converges for all x > −1.

    Args:
        x: any shape; kept as it is.
        exponent: a number.
        out: where the result goes.
        work: memory of the same shape.
    """
    top, bottom = _coefficients(exponent, x.dtype, x.device)
    _horner(top, x, out)
    _horner(bottom, x, work)
    return out.mul_(x).div_(work)


def _horner(coefficients: tuple[Tensor, ...], x: Tensor, out: Tensor) -> None:
    """Evaluate a polynomial, highest power first."""
    first, second, *others = coefficients
    torch.mul(x, first, out=out).add_(second)
    for coefficient in others:
        torch.addcmul(coefficient, out, x, out=out)


@functools.cache
def _coefficients(
    exponent: float, dtype: torch.dtype, device: torch.device
) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """Polynomials P, Q of which (1 + x)^a − 1 ≈ x P(x) / Q(x), highest powers first.

    (1 + x)^a ≈ F(−m, −m − a; −2m; −x) / F(−m, −m + a; −2m; −x), with Gauss's F = ₂F₁.
    """
    degree = DEGREES[dtype]

    def gauss(b: float) -> list[float]:
        terms = [1.0]
        for k in range(degree):
            ratio = (k - degree) * (k - degree + b) / ((k - 2 * degree) * (k + 1))
            terms.append(-terms[-1] * ratio)
        return terms

    numerator, denominator = gauss(-exponent), gauss(exponent)
    differences = [a - b for a, b in zip(numerator, denominator, strict=True)][1:]
    polynomials = (differences[::-1], denominator[::-1])
    first, second = (
        tuple(torch.tensor(value, dtype=dtype, device=device) for value in polynomial)
        for polynomial in polynomials
    )
    return first, second
