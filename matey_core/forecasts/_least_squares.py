"""Least squares of many small problems at once, from their normal equations in float64."""

import torch
from jaxtyping import Float
from torch import Tensor

EXACT = 1e-12
"""Ridge where data is exactly linear: as small as float64 lets normal equations be solved."""
ROUNDINGS = 4.0
"""A residual below this many roundings of a value is none."""


def coefficients(
    gram: Float[Tensor, "b m m"],
    prefixes: tuple[int, ...],
    *,
    ridge: float,
    rounding: Float[Tensor, "b c"],
) -> Float[Tensor, "b f c"]:
    """Fit targets by features; almost without a ridge where the fit is then exact.

    A ridge keeps noise from being fitted, and takes a little of every coefficient. Where
    targets are linear in the features to rounding it is all but dropped, and the fewest features
    that do are taken: others that say the same in the rows do not always say the same later.

    Args:
        gram: (b, m, m) mean over rows of the products of all pairs among `m = f + c` numbers:
            features, then targets. Both are of order one.
        prefixes: numbers of first features that may be enough for an exact fit, from few to
            all `f`.
        ridge: added to the mean squares of the features.
        rounding: (b, c) root mean square of what rounding does to the targets.

    Returns:
        (b, f, c); NaN where rows are not finite.
    """
    num_features = prefixes[-1]
    features = gram[:, :num_features, :num_features]
    products = gram[:, :num_features, num_features:]
    squares = gram[:, num_features:, num_features:].diagonal(dim1=1, dim2=2)
    limit = (ROUNDINGS * rounding).square()
    best = _solve(features, products, ridge)
    is_done = squares <= limit  # nothing but rounding to fit
    for size in prefixes:
        exact = torch.zeros_like(best)
        exact[:, :size] = _solve(features[:, :size, :size], products[:, :size], EXACT)
        is_exact = _residual(exact, features, products, squares) <= limit
        best = torch.where((is_exact & ~is_done).unsqueeze(1), exact, best)
        is_done = is_done | is_exact
    return best


def unexplained(
    solution: Float[Tensor, "b f c"],
    gram: Float[Tensor, "b m m"],
    *,
    smallest: Float[Tensor, "b c"],
) -> Float[Tensor, "b c"]:
    """Root mean square of what a fit leaves of each target, relative to that of the target.

    Args:
        solution: (b, f, c) what `coefficients` found.
        gram: (b, m, m) what it was given.
        smallest: (b, c) size that a target is taken to have at least.

    Returns:
        (b, c); NaN where there is no fit.
    """
    size = solution.shape[1]
    squares = gram[:, size:, size:].diagonal(dim1=1, dim2=2)
    left = _residual(solution, gram[:, :size, :size], gram[:, :size, size:], squares)
    return left.clamp(min=0).sqrt() / torch.maximum(squares.sqrt(), smallest)


def _solve(
    features: Float[Tensor, "b f f"], products: Float[Tensor, "b f c"], ridge: float
) -> Float[Tensor, "b f c"]:
    """(A + ridge)⁻¹ B; NaN where the matrix is not positive definite."""
    eye = torch.eye(features.shape[1], dtype=features.dtype, device=features.device)
    factor, failed = torch.linalg.cholesky_ex(features + ridge * eye)
    return torch.cholesky_solve(products, factor).masked_fill(failed.view(-1, 1, 1) > 0, torch.nan)


def _residual(
    solution: Float[Tensor, "b f c"],
    features: Float[Tensor, "b f f"],
    products: Float[Tensor, "b f c"],
    squares: Float[Tensor, "b c"],
) -> Float[Tensor, "b c"]:
    """Mean square of what the fit leaves of each target."""
    return squares + (solution * (features @ solution - 2 * products)).sum(1)
