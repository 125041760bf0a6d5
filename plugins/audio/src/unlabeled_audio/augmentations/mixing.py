"""Mixing: another clip of the batch, softly, behind each clip.

Sources: BYOL-A (Niizumi et al., IJCNN 2021, arXiv:2103.06695) mixes spectrograms of earlier clips
in; WavLM (Chen et al. 2022, arXiv:2110.13900) mixes waveforms of the batch, at a ratio of levels,
as is done here.
"""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field, model_validator
from torch import Tensor

from unlabeled.distributed import gather_rows, rank, row_counts
from unlabeled.settings import Settings
from unlabeled_audio.augmentations.level import gain_for_snr, power
from unlabeled_audio.waveform import Waveforms


class Mixing(Settings):
    """Adds another clip of the joint batch at a uniform ratio of levels.

    The other clip is cut to this one's length; a batch of one stays as it is.
    """

    keeps: ClassVar[str] = "the louder sound"

    low_snr_db: float = Field(0.0, description="smallest ratio of the clip to the other (dB)")
    high_snr_db: float = Field(20.0, description="largest ratio of the clip to the other (dB)")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low_snr_db > self.high_snr_db:
            raise ValueError(
                f"low_snr_db ({self.low_snr_db}) is above high_snr_db ({self.high_snr_db})"
            )
        return self

    def plan(self, rng: np.random.Generator) -> np.ndarray:
        """Which other clip, as a share of the batch in [0, 1), and the ratio (dB): (2,)."""
        return np.array([rng.random(), rng.uniform(self.low_snr_db, self.high_snr_db)])

    def apply(self, batch: Waveforms, plans: Tensor) -> Waveforms:
        """Lengths stay; values change up to each clip's end."""
        everyone = _joint(batch)
        count = len(everyone.lengths)
        if count < 2:
            return batch
        first = sum(row_counts(batch.lengths)[: rank()])
        own = first + torch.arange(len(batch.lengths), device=plans.device)
        steps = 1 + (plans[:, 0] * (count - 1)).long().clamp(max=count - 2)
        other = everyone.values.index_select(0, (own + steps) % count)
        other = torch.where(batch.valid, other[:, : batch.values.shape[1]], 0)
        lengths = batch.lengths.unsqueeze(1)
        snr = plans[:, 1:].to(other.dtype)
        factor = gain_for_snr(power(batch.values, lengths), power(other, lengths), snr)
        return Waveforms(batch.values + factor * other, batch.lengths)


def _joint(batch: Waveforms) -> Waveforms:
    """The clips of all processes, padded to the longest of them."""
    lengths = gather_rows(batch.lengths)
    missing = max(int(lengths.max()) - batch.values.shape[1], 0)
    return Waveforms(gather_rows(F.pad(batch.values, (0, missing))), lengths)
