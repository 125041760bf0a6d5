"""What all encoders of rows share: cells as numbers, their statistics, and unseen values.

Numbers become normal scores of their quantiles, fitted once and stored with the encoder: tables
have columns of any scale and shape, and a transformation by ranks is what their networks are
usually fed with (Gorishniy et al., NeurIPS 2021, arXiv:2106.11959).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from unlabeled.contract import Encoder
from unlabeled.errors import ShapeError
from unlabeled.settings import Settings
from unlabeled_tabular.row import Row

KNOTS = 101
"""Quantiles that are kept of each column."""

EDGE = 1e-3
"""Probability at which normal scores end, at ± 3.09."""


@dataclass(slots=True)
class Cells:
    """numbers: (N, A) float32, NaN where a cell is empty; codes: (N, B) int64, -1 where a cell is
    empty or holds a category that was not there in training."""

    numbers: Tensor
    codes: Tensor


class CellSettings(Settings):
    numbers: tuple[str, ...] | None = Field(None, description="columns of numbers; from the data")
    categories: dict[str, tuple[str, ...]] | None = Field(
        None, description="categories of each column of text; from the data"
    )


class RowEncoder(Encoder):
    """An encoder of rows with A columns of numbers and B columns of categories."""

    settings_type = CellSettings
    knots: Tensor
    heights: Tensor

    def __init__(self, settings: CellSettings) -> None:
        super().__init__(settings)
        self.number_names = tuple(settings.numbers or ())
        self.vocabulary = {
            name: {value: code for code, value in enumerate(values)}
            for name, values in (settings.categories or {}).items()
        }
        self.columns = len(self.number_names) + len(self.vocabulary)
        # Until it is calibrated, the quantiles are those of a uniform variable on -1 … 1.
        self.register_buffer(
            "knots", torch.linspace(-1, 1, KNOTS).repeat(len(self.number_names), 1)
        )
        probability = torch.linspace(0, 1, KNOTS, dtype=torch.float64).clamp(EDGE, 1 - EDGE)
        self.register_buffer("heights", torch.special.ndtri(probability).float(), persistent=False)

    def collate(self, samples: Sequence[Row]) -> Cells:
        """Raises ShapeError for a row of other columns."""
        wanted = (self.number_names, tuple(self.vocabulary))
        for sample in samples:
            found = (sample.number_names, sample.text_names)
            if found != wanted:
                raise ShapeError(f"expected the columns {wanted}, found {found}")
        numbers = torch.from_numpy(np.stack([sample.numbers for sample in samples]))
        codes = [
            [known.get(text, -1) for text, known in zip(row, self.vocabulary.values(), strict=True)]
            for row in (sample.texts for sample in samples)
        ]
        shape = (len(samples), len(self.vocabulary))
        return Cells(numbers.float(), torch.tensor(codes, dtype=torch.int64).reshape(shape))

    def calibrate(self, batches: Iterable[Cells]) -> None:
        """Quantiles of every column of numbers, over the cells that hold one."""
        numbers = torch.cat([batch.numbers for batch in batches]).double()
        for place, column in enumerate(numbers.T):
            if len(there := column[~column.isnan()]):
                probability = torch.linspace(0, 1, KNOTS, dtype=torch.float64)
                self.knots[place] = _quantiles(there, probability).to(self.knots)

    def known(self, batch: Cells) -> Tensor:
        """(N, A + B) bool: cells that are neither empty nor of an unseen category."""
        return torch.cat([~batch.numbers.isnan(), batch.codes >= 0], dim=1)

    def scores(self, batch: Cells) -> Tensor:
        """The numbers as networks see them, (N, A): normal scores, 0 where a cell is empty.

        Straight lines between the quantiles, and constant beyond them. A value that many rows share
        gets the middle of their ranks.
        """
        numbers = batch.numbers.nan_to_num()[..., None]  # NaN would pass through a product with 0
        low, wide = self.knots[:, :-1], self.knots.diff(dim=1)
        ramp = ((numbers - low) / wide.clamp(min=1e-12)).clamp(0, 1)
        step = ((numbers > low).to(ramp.dtype) + (numbers >= low).to(ramp.dtype)) / 2
        rises = torch.where(wide > 0, ramp, step) * self.heights.diff()
        scores: Tensor = self.heights[0] + rises.sum(dim=-1)
        return scores * (~batch.numbers.isnan()).to(scores.dtype)

    def preprocessing(self) -> Mapping[str, Any]:
        return {
            "numbers": list(self.number_names),
            "categories": {name: list(values) for name, values in self.vocabulary.items()},
            "scores": f"normal scores of {KNOTS} quantiles; empty cells have a token of their own",
        }


def _quantiles(values: Tensor, probability: Tensor) -> Tensor:
    """Like `torch.quantile`, which refuses more than 16 million values."""
    ordered = values.sort().values
    place = probability * (len(ordered) - 1)
    low = place.floor().long()
    high = (low + 1).clamp(max=len(ordered) - 1)
    return torch.lerp(ordered[low], ordered[high], place - low)
