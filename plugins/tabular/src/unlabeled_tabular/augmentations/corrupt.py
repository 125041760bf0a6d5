"""Corruption of cells by values of other rows.

Source: Bahri et al., SCARF: Self-Supervised Contrastive Learning using Random Feature Corruption,
ICLR 2022, arXiv:2106.15147: each chosen cell takes the value that its column has in a row drawn at
random, independently of the other cells.
"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import numpy as np
from pydantic import Field

from unlabeled.contract import Range
from unlabeled.settings import Settings
from unlabeled_tabular.row import Row


class Corrupt(Settings):
    """Replaces the same number of random cells in every row."""

    keeps: ClassVar[str] = "the columns, and all cells but a share"
    expects: ClassVar[Range] = Range()
    returns: ClassVar[Range] = Range()

    share: float = Field(0.6, gt=0, le=1, description="share of the cells that are replaced")

    def __call__(self, sample: Row, rng: np.random.Generator) -> Row:
        count = len(sample.numbers)
        columns = count + len(sample.texts)
        chosen = rng.permutation(columns)[: round(self.share * columns)]
        donors = rng.integers(len(sample.marginals.numbers), size=len(chosen))
        numbers, texts = sample.numbers.copy(), sample.texts.copy()
        is_number = chosen < count
        places = chosen[is_number]
        numbers[places] = sample.marginals.numbers[donors[is_number], places]
        places = chosen[~is_number] - count
        texts[places] = sample.marginals.texts[donors[~is_number], places]
        return replace(sample, numbers=numbers, texts=texts)
