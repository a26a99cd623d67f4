"""Attention to a part of the keys, such that parts can be merged, and its gradients.

On CPUs torch's fused kernel computes both. Elsewhere they are written out, some queries at a
time, so that no matrix of all scores is made.
"""

import torch
from jaxtyping import Float
from torch import Tensor

SCORES = 2**24
"""Numbers of the largest matrix of scores that is made at once."""


def attend(
    q: Float[Tensor, "s h n e"], k: Float[Tensor, "s h m e"], v: Float[Tensor, "s h m e"]
) -> tuple[Float[Tensor, "s h n e"], Float[Tensor, "s h n"]]:
    """Return softmax(q kᵀ / √e) v, and the logarithm of the softmax's denominator."""
    if q.device.type == "cpu":
        fused = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
        values, logs = fused(q, k, v)
        return values, logs
    return attend_in_pieces(q, k, v)


def gradients(
    gradient: Float[Tensor, "s h n e"],
    q: Float[Tensor, "s h n e"],
    k: Float[Tensor, "s h m e"],
    v: Float[Tensor, "s h m e"],
    out: Float[Tensor, "s h n e"],
    logs: Float[Tensor, "s h n"],
) -> tuple[Tensor, Tensor, Tensor]:
    """Return what these keys contribute to the gradients of q, and the gradients of k and v.

    Args:
        gradient: of `out`.
        q: queries.
        k: a part of the keys.
        v: a part of the values.
        out: attention to all keys.
        logs: logarithm of the denominator over all keys.
    """
    if q.device.type == "cpu":
        fused = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward
        found: tuple[Tensor, Tensor, Tensor] = fused(gradient, q, k, v, out, logs, 0.0, False)
        return found
    return gradients_in_pieces(gradient, q, k, v, out, logs)


def attend_in_pieces(q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """Write `attend` out, for some queries at a time."""
    pieces = [_attend(piece, k, v) for piece in q.split(_piece(q, k), dim=2)]
    values, logs = (torch.cat(parts, dim=2) for parts in zip(*pieces, strict=True))
    return values, logs


def _attend(q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    scores = _scores(q, k)
    logs = scores.logsumexp(-1)
    weights = (scores - logs.unsqueeze(-1)).exp_()
    return weights.to(v.dtype) @ v, logs


def gradients_in_pieces(
    gradient: Tensor, q: Tensor, k: Tensor, v: Tensor, out: Tensor, logs: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Write `gradients` out, for some queries at a time.

    P = exp(q kᵀ / √e − L); dV = Pᵀ dO; of the scores, dS = P ∘ (dO Vᵀ − Σ dO ∘ O).
    """
    exact, size = logs.dtype, _piece(q, k)
    keys, values = (torch.zeros_like(x, dtype=exact) for x in (k, v))
    mean = (gradient.to(exact) * out.to(exact)).sum(-1)
    queries = []
    pieces = zip(*(x.split(size, dim=2) for x in (gradient, q, logs, mean)), strict=True)
    for towards, query, log, offset in pieces:
        weights = (_scores(query, k) - log.unsqueeze(-1)).exp_()
        values += weights.to(v.dtype).transpose(-1, -2) @ towards
        change = (towards @ v.transpose(-1, -2)).to(exact).sub_(offset.unsqueeze(-1))
        change = change.mul_(weights).mul_(q.shape[-1] ** -0.5).to(q.dtype)
        queries.append(change @ k)
        keys += change.transpose(-1, -2) @ query
    return torch.cat(queries, dim=2), keys, values


def _scores(q: Tensor, k: Tensor) -> Tensor:
    """In float32 or more, as fused kernels have them: half precision would round them first."""
    exact = torch.promote_types(q.dtype, torch.float32)
    with torch.autocast(q.device.type, enabled=False):
        return (q.to(exact) @ k.to(exact).transpose(-1, -2)).mul(q.shape[-1] ** -0.5)


def _piece(q: Tensor, k: Tensor) -> int:
    """Queries whose scores are computed at once."""
    return max(1, SCORES // max(1, q.shape[0] * q.shape[1] * k.shape[2]))
