"""The columns themselves."""

from __future__ import annotations

import numpy as np

from unlabeled.settings import Settings
from unlabeled_tabular.row import Row


class RawColumns(Settings):
    """The numbers of a row, 0 and 1 for each category of its table, and 1 for each empty number.

    (A + sum of categories + A,); an empty number is 0 beside its flag, so that linear probes and
    trees alike can use it.
    """

    def __call__(self, sample: Row) -> np.ndarray:
        empty = np.isnan(sample.numbers)
        parts = [np.where(empty, 0, sample.numbers).astype(float)]
        for text, values in zip(sample.texts, sample.values, strict=True):
            parts.append(np.array([text == value for value in values], dtype=float))
        return np.concatenate([*parts, empty.astype(float)])
