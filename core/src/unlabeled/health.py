"""The health of embeddings: spread, effective rank, uniformity and a verdict in words."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from unlabeled.errors import ShapeError

SMALLEST_SPREAD = 0.1
"""Below a tenth of an isotropic spread, embeddings count as one point."""

SMALLEST_RANK = 2.0
RANK_MATTERS_FROM = 8
"""Narrower embeddings may well vary along one direction only."""

IDLE_SHARE = 0.1
"""Below a tenth of the rank that is possible, most dimensions do nothing."""


@dataclass(frozen=True, slots=True)
class Health:
    """The result of `examine`.

    rows, width: N and D, because ranks are comparable only at equal N and D; feature_std: 1 for
    directions spread evenly over the sphere, 0 for a single one; effective_rank and centred_rank:
    see `effective_rank`, the second after subtracting the mean; alpha_req, dead_units, uniformity:
    see the functions of these names; collapsed: whether more training makes no sense; verdict: the
    same in words.
    """

    rows: int
    width: int
    feature_std: float
    effective_rank: float
    centred_rank: float
    alpha_req: float
    dead_units: float
    uniformity: float
    collapsed: bool
    verdict: str


def examine(embeddings: Tensor) -> Health:
    """The health of embeddings (N, D), N >= 2, of samples that should differ. Raises ShapeError."""
    x = _checked(embeddings)
    std = feature_std(x)
    rank, centred = effective_rank(x), effective_rank(x - x.mean(dim=0))
    collapsed, verdict = _judge(len(x), x.shape[1], std, centred)
    alpha, dead = alpha_req(x), dead_units(x)
    return Health(
        len(x), x.shape[1], std, rank, centred, alpha, dead, uniformity(x), collapsed, verdict
    )


def dead_units(embeddings: Tensor) -> float:
    """The share of columns that are equal for all rows, but for rounding. embeddings: (N, D)."""
    x = _checked(embeddings).double()
    spread, size = x.std(dim=0, unbiased=False), x.abs().amax(dim=0)
    return float((spread <= 1e-6 * size).double().mean())


def feature_std(embeddings: Tensor) -> float:
    """Standard deviation of unit-length rows per dimension, root mean square, times √D.

    embeddings: (N, D). 1 when directions are spread evenly, 0 when all rows point one way.
    """
    rows = F.normalize(_checked(embeddings), dim=1)
    # The variance over N, not N - 1: rows spread evenly then give exactly 1.
    return math.sqrt(float(rows.var(dim=0, unbiased=False).sum()))


def effective_rank(embeddings: Tensor, eps: float = 1e-7) -> float:
    """RankMe: the exponential of the entropy of the singular values, about 1 to min(N, D).

        p_k = s_k / sum_j s_j + eps,   RankMe = exp(-sum_k p_k ln p_k)

    embeddings: (N, D), N >= 2. Source: Garrido et al., ICML 2023, arXiv:2210.02885.
    """
    # In float64: the logarithm of a small share loses the digits that tell ranks apart.
    singular = torch.linalg.svdvals(_checked(embeddings)).double()
    p = singular / singular.sum().clamp(min=torch.finfo(singular.dtype).tiny) + eps
    return float((-(p * p.log()).sum()).exp())


def alpha_req(embeddings: Tensor) -> float:
    """α-ReQ: the decay α of the covariance's eigenvalues, λ_i ∝ i^(-α), by least squares of ln λ_i
    on ln i. Near 1 for good representations; larger where few directions hold all.

    embeddings: (N, D), N >= 3; eigenvalues that are rounding alone do not count.
    Source: Agrawal et al., NeurIPS 2022, arXiv:2202.05808.
    """
    x = _checked(embeddings).double()
    values = torch.linalg.svdvals(x - x.mean(dim=0)).square()
    # Rounding leaves tiny eigenvalues, which would decide the slope on a logarithmic scale.
    values = values[values > values[0] * 1e-10]
    if len(values) < 2:
        return math.inf
    place, size = torch.arange(1, len(values) + 1, dtype=torch.float64).log(), values.cpu().log()
    place = place - place.mean()
    return float(-(place @ size) / place.square().sum())


def lidar(views: Tensor, delta: float = 1e-4, eps: float = 1e-7) -> float:
    """LiDAR: the effective rank of what tells items apart, in units of what views of one differ by.

        M = S_w^(-½) S_b S_w^(-½),   p = eig(M) / sum + eps,   LiDAR = exp(-sum p ln p)

    views: (n, q, D), q views of each of n items; S_b is the covariance of the items' means, S_w
    that of views around them plus `delta` on the diagonal.
    Source: Thilak et al., ICLR 2024, arXiv:2312.04000, equations 1 to 4.
    """
    if views.ndim != 3 or len(views) < 2 or views.shape[1] < 2:
        raise ShapeError(f"views: expected (n, q, D), n and q >= 2; found {tuple(views.shape)}")
    x = _checked(views.flatten(0, 1)).double().view(views.shape)
    means = x.mean(dim=1)
    around, between = (x - means[:, None]).flatten(0, 1), means - means.mean(dim=0)
    within = around.T @ around / (len(means) * (x.shape[1] - 1))
    values, vectors = torch.linalg.eigh(within + delta * torch.eye(x.shape[2], dtype=x.dtype))
    scaled = between @ vectors / values.sqrt() / math.sqrt(len(means) - 1)
    found = torch.linalg.svdvals(scaled).square()
    p = found / found.sum().clamp(min=torch.finfo(found.dtype).tiny) + eps
    return float((-(p * p.log()).sum()).exp())


def uniformity(embeddings: Tensor, t: float = 2.0) -> float:
    """log of the mean of exp(-t |x - y|²) over pairs of different unit-length rows.

    embeddings: (N, D), N >= 2. 0 when all rows point one way, lower is more uniform (-4 is the
    limit of high dimensions for t = 2). Source: Wang & Isola, ICML 2020, arXiv:2005.10242.
    """
    rows = F.normalize(_checked(embeddings), dim=1)
    total = 0.0
    for chunk in torch.split(rows, 1024):  # N² numbers at once would not fit for a large N
        distances = (2 - 2 * chunk @ rows.T).clamp(min=0)
        total += float((-t * distances).exp().sum(dtype=torch.float64))
    count = len(rows)
    # `total` includes each row with itself, at a distance that rounding leaves near 0, not at it.
    own = float((-t * (2 - 2 * rows.square().sum(dim=1)).clamp(min=0)).exp().sum())
    return math.log(max(total - own, 1e-300) / (count * (count - 1)))


def _checked(embeddings: Tensor) -> Tensor:
    if embeddings.ndim != 2 or len(embeddings) < 2 or embeddings.shape[1] == 0:
        raise ShapeError(
            f"embeddings: expected shape (N, D) with N >= 2, found {tuple(embeddings.shape)}"
        )
    if not torch.isfinite(embeddings).all():
        raise ShapeError("embeddings: expected finite values, found NaN or infinity")
    return embeddings.detach().to(torch.promote_types(embeddings.dtype, torch.float32))


def _judge(rows: int, width: int, std: float, rank: float) -> tuple[bool, str]:
    # Of the centred rank: embeddings with a large common mean have a high rank and tell nothing
    # apart.
    possible = min(rows - 1, width)
    of = f"(effective rank {rank:.1f} of {possible})"
    if std < SMALLEST_SPREAD:
        return True, f"collapsed: all embeddings are nearly the same direction (spread {std:.3f})"
    if rank < SMALLEST_RANK and possible >= RANK_MATTERS_FROM:
        return True, f"collapsed: embeddings vary along one direction only {of}"
    if rank < IDLE_SHARE * possible:
        return False, f"narrow: most dimensions do nothing {of}"
    return False, f"healthy {of}"
