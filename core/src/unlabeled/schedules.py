"""Learning rates as multiples of their peak: pure functions of the step, counted from 0.

They multiply the rate of every parameter group, so the ratios between groups hold.
"""

from __future__ import annotations

import math


def warm_up(step: int, steps: int) -> float:
    """Linear from 0 at step 0 to 1 at `steps`, and 1 from there on."""
    # Not 0: a run without warm-up starts at the peak.
    return min(step / steps, 1.0) if steps else 1.0


def half_cosine(progress: float, start: float, end: float) -> float:
    """From `start` at progress 0 to `end` at 1 along half a cosine; `end` beyond."""
    return end + (start - end) * (1 + math.cos(math.pi * min(progress, 1.0))) / 2


def cosine(step: int, total: int, warm: int, final: float) -> float:
    """Warm-up over `warm` steps, then half a cosine that reaches `final` at step `total`.

    Source: Loshchilov and Hutter 2017, SGDR, arXiv:1608.03983, equation 5 without restarts.
    """
    if step < warm:
        return warm_up(step, warm)
    return half_cosine((step - warm) / max(total - warm, 1), 1.0, final)


def infinite(
    step: int,
    *,
    warm: int,
    cooled: int,
    anneal: int,
    total: int,
    constant: float,
    final: float,
) -> float:
    """Warm-up to step `warm`, cool-down to `constant` at step `cooled`, constant to step
    `anneal`, then exponentially down to `final` at step `total`.

    0 <= warm <= cooled <= anneal <= total; anneal = total never anneals. In the published
    formula the last phase has the length total - anneal in its exponent's denominator, so that
    `final` is reached.
    """
    if step < warm:
        return warm_up(step, warm)
    if step < cooled:
        return half_cosine((step - warm) / (cooled - warm), 1.0, constant)
    # `<=`: with anneal = total the last phase has length 0, and is never divided by.
    if step <= anneal:
        return constant
    progress = min((step - anneal) / (total - anneal), 1.0)
    return float(constant * (final / constant) ** progress)
