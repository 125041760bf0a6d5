"""The sample of this plugin: one row of a table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class Marginals:
    """Rows of a table from which single cells are drawn: evenly spread, at most a thousand.

    numbers: (M, A) float32, NaN where a cell is empty; texts: (M, B) str, "" where it is.
    """

    numbers: np.ndarray
    texts: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """numbers: (A,) float32, NaN where a cell is empty; texts: (B,) str, the categories, "" where a
    cell is empty.

    number_names, text_names: of the columns; values: of each of the B columns, the categories of
    its table in order; marginals: other rows of the table.
    """

    numbers: np.ndarray
    texts: np.ndarray
    number_names: tuple[str, ...]
    text_names: tuple[str, ...]
    values: tuple[tuple[str, ...], ...]
    marginals: Marginals
