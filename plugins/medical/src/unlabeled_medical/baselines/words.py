"""A simple description of a report by its words."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
from pydantic import Field

from unlabeled.data.vocabulary import words_of
from unlabeled.settings import Settings


class WordCounts(Settings):
    """The share of each word; words are hashed, so that any text has the same columns."""

    columns: int = Field(512, ge=1, description="places that words are hashed to")

    def __call__(self, sample: Sequence[str]) -> np.ndarray:
        """(columns,) float64, which sum to 1."""
        words = [word for part in sample for word in words_of(part)]
        places = [zlib.crc32(word.encode()) % self.columns for word in words]
        counts = np.bincount(places, minlength=self.columns).astype(np.float64)
        shares: np.ndarray = counts / max(counts.sum(), 1)
        return shares
