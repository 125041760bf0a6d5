"""Directions of vectors, with an answer for vectors that have none."""

from __future__ import annotations

import torch
from torch import Tensor

SHORTEST = 1e-12
"""Below this length a vector has no direction."""


def unit_rows(x: Tensor) -> Tensor:
    """Scale the last axis to length 1: (..., D) -> (..., D).

    A vector shorter than `SHORTEST` becomes zeros and gets a gradient of zero; divided by a
    small constant instead, it would get one of 1e12.
    """
    length = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
    has_direction = length > SHORTEST
    return x * torch.where(has_direction, 1 / torch.where(has_direction, length, 1), 0)
