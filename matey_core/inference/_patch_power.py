"""How much of an error's power lies where patches meet, beside its surroundings.

Two numbers, since either is blind where the other sees. A pattern that is the same in every
patch has peaks in the spectrum, at wavenumbers N/p, 2N/p, …; if it alternates from point to
point, its jumps are the same everywhere. Patches that are off by amounts of their own make
jumps at their edges; the spectrum of such offsets is sinc², which vanishes at just those
wavenumbers.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

REACH = 3
"""Neighbors on either side that a value is compared with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """How far some values stand out among their neighbors."""

    ratio: Float[Tensor, " c"]
    """Power as a multiple of the neighbors' median; NaN where there is nothing to compare."""
    sigmas: Float[Tensor, " c"]
    """The logarithm of `ratio`, in robust standard deviations of what is not looked at."""


def spectrum(
    error: Float[Tensor, "b c *space"], axis: int, side: int, *, wraps: bool
) -> Float[Tensor, "b c k"]:
    """Power of every wavenumber along an axis, averaged over all others.

    Bounded axes, and those that patches do not divide, are cut to whole patches and given a
    Hann window, so that what does not fit together at the ends leaks into next neighbors only.

    Args:
        error: (b, c, *space).
        axis: number of the space axis.
        side: points per axis of a patch.
        wraps: whether the axis is periodic.
    """
    lines = error.movedim(axis + 2, -1)
    length = lines.shape[-1] // side * side
    if not wraps or length < lines.shape[-1]:
        lines = lines[..., :length]
        lines = lines - lines.mean(-1, keepdim=True)
        lines = lines * torch.hann_window(length, dtype=lines.dtype, device=lines.device)
    power = torch.fft.rfft(lines).abs().square()
    return power.flatten(2, -2).mean(2) if power.ndim > 3 else power


def jumps(error: Float[Tensor, "b c *space"], axis: int, *, wraps: bool) -> Float[Tensor, "b c k"]:
    """Mean square difference between each point and the next, over all other axes."""
    lines = error.movedim(axis + 2, -1)
    after = lines.roll(-1, -1) if wraps else lines[..., 1:]
    power = (after - lines[..., : after.shape[-1]]).square()
    return power.flatten(2, -2).mean(2) if power.ndim > 3 else power


def harmonics(
    power: Float[Tensor, "c k"], points: int, side: int, finer: int | None, *, wraps: bool
) -> Contrast:
    """The strongest harmonic of a patch, among wavenumbers next to it.

    Args:
        power: (c, k) from `spectrum`, summed over samples.
        points: of the axis.
        side: points per axis of a patch.
        finer: the next smaller patch, whose harmonics count as its own.
        wraps: whether the axis is periodic.
    """
    count = points // side
    gap = 1 if wraps and points % side == 0 else 2
    if count < 2 * gap:
        return _nothing(power)
    reach = min(count, gap + REACH - 1)
    size = power.shape[1]
    number = torch.arange(size)
    is_peak = (number % count == 0) & (number > 0)
    is_own = is_peak & (number % (points // finer) != 0) if finer else is_peak
    # A window spreads peaks, and the mean, over the wavenumbers beside them.
    beside = torch.minimum(number % count, -number % count)
    is_marked = beside < gap
    offsets = [sign * n for n in range(gap, reach + 1) for sign in (-1, 1)]
    near = (number[:, None] + torch.tensor(offsets)).abs()
    near = torch.where(near < size, near, 2 * (size - 1) - near)  # a real signal's spectrum
    excess = _excess(power, near, is_marked)
    octave = (number >= number[:, None] / 2) & (number <= 2 * number[:, None])
    spread = _spread(excess, octave & ~is_marked)
    sigmas = (excess / spread)[:, is_own]
    best = sigmas.nan_to_num(-math.inf).argmax(1, keepdim=True)
    return Contrast(
        ratio=excess[:, is_own].gather(1, best).squeeze(1).exp(),
        sigmas=sigmas.gather(1, best).squeeze(1),
    )


def edges(power: Float[Tensor, "c k"], side: int, coarser: int | None) -> Contrast:
    """Jumps at the edges of a patch, among those beside them.

    Args:
        power: (c, k) from `jumps`, summed over samples.
        side: points per axis of a patch.
        coarser: the next larger patch, whose edges count as its own.
    """
    size = power.shape[1]
    number = torch.arange(size)
    is_marked = (number + 1) % side == 0
    is_own = is_marked & ((number + 1) % coarser != 0) if coarser else is_marked
    if is_own.sum() < 2 or side < 2:
        return _nothing(power)
    reach = min(REACH, side - 1)
    offsets = [sign * n for n in range(1, reach + 1) for sign in (-1, 1)]
    near = number[:, None] + torch.tensor(offsets)
    near = torch.where((near < 0) | (near >= size), number[:, None], near)
    excess = _excess(power, near, is_marked)
    # A patch may have edges inside, too, where its stages meet: what counts is how much places
    # differ that lie alike in their patches.
    phase = (number % side).expand_as(excess)
    total = torch.zeros(len(excess), side, dtype=excess.dtype).scatter_add(1, phase, excess)
    alike = total / torch.bincount(number % side)
    spread = (excess - alike.gather(1, phase)).square().sum(1).div(size - side).sqrt()
    mean = excess[:, is_own].mean(1)
    return Contrast(ratio=mean.exp(), sigmas=mean * is_own.sum().sqrt() / spread)


def _excess(
    power: Float[Tensor, "c k"], near: Int[Tensor, "k m"], is_marked: Bool[Tensor, " k"]
) -> Float[Tensor, "c k"]:
    """Logarithm of each value over the median of its neighbors, marked ones left out."""
    logs = power.clamp(min=1e-30 * float(power.max())).log()
    is_itself = near == torch.arange(len(near))[:, None]
    around = logs[:, near].masked_fill(is_marked[near] | is_itself, math.nan)
    return logs - around.nanquantile(0.5, dim=2)


def _spread(excess: Float[Tensor, "c k"], counts: Bool[Tensor, "g k"]) -> Float[Tensor, "c g"]:
    """Robust standard deviation of the excess of some values, for every group of them."""
    sizes = excess.abs()[:, None].masked_fill(~counts, math.nan)
    return 1.4826 * sizes.nanquantile(0.5, dim=2)


def _nothing(power: Float[Tensor, "c k"]) -> Contrast:
    nothing = torch.full(power.shape[:1], math.nan, dtype=power.dtype)
    return Contrast(ratio=nothing, sigmas=nothing)
