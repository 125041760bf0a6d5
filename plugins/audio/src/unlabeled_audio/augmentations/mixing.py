"""Mixing: add another clip of the batch, at a lower level, to each clip.

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

from unlabeled.contract import BatchAugmentation
from unlabeled.distributed import gather_rows, rank, row_counts
from unlabeled.settings import Settings
from unlabeled_audio.augmentations.level import gain_for_snr, power
from unlabeled_audio.waveform import Waveforms


class Mixing(Settings, BatchAugmentation):
    """Adds another clip of the joint batch at a uniform ratio of levels.

    The other clip is cut to this one's length; a batch of one stays unchanged.
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
        """The clip's own place on a circle, the place of the wanted one, the ratio (dB): (3,)."""
        return np.array(
            [rng.random(), rng.random(), rng.uniform(self.low_snr_db, self.high_snr_db)]
        )

    def apply(self, batch: Waveforms, plans: Tensor) -> Waveforms:
        """Shape (N, T) and lengths stay; values change up to each clip's end."""
        everyone = _joint(batch)
        if len(everyone.lengths) < 2:
            return batch
        other = everyone.values.index_select(0, partners(plans))
        other = torch.where(batch.valid, other[:, : batch.values.shape[1]], 0)
        lengths = batch.lengths.unsqueeze(1)
        snr = plans[:, 2:].to(other.dtype)
        factor = gain_for_snr(power(batch.values, lengths), power(other, lengths), snr)
        return Waveforms(batch.values + factor * other, batch.lengths)


def partners(plans: Tensor) -> Tensor:
    """Which clip of the joint batch each of this process's clips gets, (N,) long: never itself.

    It is the next one on the circle after the wanted place, so the result does not depend on the
    order of a batch.
    """
    places = gather_rows(plans)[:, 0]
    ahead = (places - plans[:, 1:2]) % 1
    own = sum(row_counts(plans)[: rank()]) + torch.arange(len(plans), device=plans.device)
    return ahead.scatter(1, own.unsqueeze(1), torch.inf).argmin(dim=1)


def _joint(batch: Waveforms) -> Waveforms:
    """The clips of all processes, padded to the longest of them."""
    lengths = gather_rows(batch.lengths)
    missing = max(int(lengths.max()) - batch.values.shape[1], 0)
    return Waveforms(gather_rows(F.pad(batch.values, (0, missing))), lengths)
