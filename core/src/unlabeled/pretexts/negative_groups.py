"""Groups of samples that are not negatives of each other: draws of one item, or of one group."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Literal

import torch
from pydantic import Field
from torch import Tensor

from unlabeled.randomness import Draw

Negatives = Literal["all", "other_items", "other_groups"]

NEGATIVES: Any = Field(
    "all",
    description="negatives of a sample: all other samples, those of other items, or those of "
    "other groups (patients, speakers, scenes)",
)
"""The field of a pretext's settings."""


def negative_group(draw: Draw, negatives: Negatives) -> int | None:
    """An id; samples that share one are excluded from each other's negatives.

    None excludes nothing. The id of a name is equal in every process. An item without a group is
    its own group.
    """
    if negatives == "all":
        return None
    name = draw.group if negatives == "other_groups" and draw.group else draw.item
    digest = hashlib.blake2b(name.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True)


def join_negative_groups(numbers: Sequence[int | None]) -> Tensor | None:
    """(N,) int64, the `groups` of an objective."""
    return None if None in numbers else torch.tensor(numbers)
