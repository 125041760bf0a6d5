"""TERA: reconstruct frames corrupted in time, in frequency and in magnitude.

Source: Liu, Li, Lee, IEEE/ACM TASLP 2021, arXiv:2007.06028; time alteration alone is Mockingjay
(Liu et al., ICASSP 2020, arXiv:1910.12638).

Of a clip of L frames and B mel bins:
- time: round(0.15 L / 7) spans of 7 frames. One draw per clip: 80 % of clips have them zeroed, 10 %
  replaced by other spans of the clip, 10 % unchanged. All are predicted.
- frequency: a band of 0 to 0.2 B bins (uniform) is zeroed in all frames and predicted.
- magnitude: with probability 0.15, Gaussian noise (σ 0.2) is added everywhere; nothing is
  predicted.

    loss = mean |prediction − clean| over all predicted values

Departs from the authors' code: a span or band that leaves the clip on one side comes in on the
other, so that every frame and bin is altered equally often (there the last frame and the last bin
never are); the die for noise is thrown for each clip, not for each batch; blocks are pre-norm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from unlabeled.contract import Encoder, Loss, Pretext
from unlabeled.errors import RecipeError
from unlabeled.objectives.masked_regression import Distance, masked_regression_loss
from unlabeled.randomness import Draw
from unlabeled.settings import Settings
from unlabeled_audio.encoders.ast import AST
from unlabeled_audio.waveform import Waveform, Waveforms

ZERO = -1
"""Index of a frame of zeros."""


class TERASettings(Settings):
    """Defaults are the paper's."""

    time_share: float = Field(0.15, ge=0, lt=1, description="share of frames in altered spans")
    span: int = Field(7, ge=1, description="frames of a span")
    zeroed: float = Field(0.8, ge=0, le=1, description="share of clips whose spans are zeroed")
    replaced: float = Field(0.1, ge=0, le=1, description="share whose spans are replaced")
    widest_band: float = Field(0.2, ge=0, lt=1, description="widest band, as a share of the bins")
    noisy: float = Field(0.15, ge=0, le=1, description="share of clips with noise")
    noise: float = Field(0.2, gt=0, description="its standard deviation, in normalised values")
    distance: Distance = Field("l1", description="how predictions are compared")

    @model_validator(mode="after")
    def _asks(self) -> Self:
        if self.time_share == 0 and self.widest_band == 0:
            raise ValueError("time_share and widest_band are both 0: nothing would be asked for")
        if self.zeroed + self.replaced > 1:
            raise ValueError(f"zeroed + replaced is {self.zeroed + self.replaced}, above 1")
        return self


@dataclass(slots=True)
class Alteration:
    """The alteration of a clip of S frames and B bins.

    source: (S,) index of the frame copied into each position, ZERO for zeros; frames: (S,) and
    band: (B,) bool, the predicted ones (a band is also zeroed); noise: (S, B) to be added.
    """

    source: np.ndarray
    frames: np.ndarray
    band: np.ndarray
    noise: np.ndarray


@dataclass(slots=True)
class AlteredBatch:
    """The clips, and their alterations padded to the longest: (N, S), (N, S), (N, B), (N, S, B)."""

    clips: Waveforms
    source: Tensor
    frames: Tensor
    band: Tensor
    noise: Tensor


class TERA(Pretext):
    """Corrupt the spectrogram and predict the original."""

    settings_type = TERASettings
    settings: TERASettings
    encoder: AST

    def __init__(self, settings: TERASettings, encoder: Encoder) -> None:
        """Raises RecipeError unless the encoder is an AST; its patches are frames in the paper."""
        super().__init__(settings, encoder)
        if not isinstance(encoder, AST):
            raise RecipeError(f"encoder: TERA alters the frames of an AST, found {encoder}")
        width = encoder.token_width
        self.head = nn.Sequential(
            nn.Linear(width, width),
            nn.GELU(),
            nn.LayerNorm(width),
            nn.Linear(width, encoder.patch_values),
        )

    def example(self, sample: Waveform, draw: Draw) -> tuple[Waveform, Alteration]:
        frames = self.encoder.features.frames(sample.values.shape[1])
        bins = self.encoder.settings.features.rows
        return sample, plan(self.settings, frames, bins, draw.rng("alteration"))

    def collate(self, examples: Sequence[tuple[Waveform, Alteration]]) -> AlteredBatch:
        clips = self.encoder.collate([sample for sample, _ in examples])
        plans = [alteration for _, alteration in examples]
        return AlteredBatch(
            clips,
            _join([plan.source for plan in plans]),
            _join([plan.frames for plan in plans]),
            _join([plan.band for plan in plans]),
            _join([plan.noise for plan in plans]),
        )

    def forward(self, batch: AlteredBatch) -> Loss:
        clean, valid = self.encoder.features(batch.clips)
        altered = alter(clean, batch)
        tokens = self.encoder.encode_spectrogram(altered, valid)
        asked = (batch.frames.unsqueeze(1) | batch.band.unsqueeze(2)) & valid.unsqueeze(1)
        target, _ = self.encoder.cut(clean, valid)
        weight, _ = self.encoder.cut(asked.to(clean.dtype), valid)
        prediction = self.head(tokens.values)
        loss = masked_regression_loss(
            prediction, target, weight=weight, distance=self.settings.distance
        )
        return Loss(loss, count=weight.sum())


def plan(settings: TERASettings, frames: int, bins: int, rng: np.random.Generator) -> Alteration:
    """Draw the alteration of a clip of `frames` frames and `bins` mel bins."""
    source, asked = _time(settings, frames, rng)
    band = np.zeros(bins, dtype=bool)
    width = int(rng.integers(int(settings.widest_band * bins) + 1))
    band[(rng.integers(bins) + np.arange(width)) % bins] = True
    noise = np.zeros((frames, bins), dtype=np.float32)
    if rng.random() < settings.noisy:
        noise = settings.noise * rng.standard_normal((frames, bins), dtype=np.float32)
    return Alteration(source, asked, band, noise)


def alter(clean: Tensor, batch: AlteredBatch) -> Tensor:
    """clean: (N, B, S) -> the same with spans and bands zeroed or replaced, and noise added."""
    source = batch.source.unsqueeze(1)
    moved = clean.gather(2, source.clamp(min=0).expand_as(clean))
    gone = (source == ZERO) | batch.band.unsqueeze(2)
    return torch.where(gone, 0, moved) + batch.noise.transpose(1, 2).to(clean.dtype)


def _time(
    settings: TERASettings, frames: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """The frame copied into each position, (S,), and which ones are predicted, (S,)."""
    source, asked = np.arange(frames), np.zeros(frames, dtype=bool)
    span = min(settings.span, frames)
    count = min(round(settings.time_share * frames / span), frames)
    steps = np.arange(span)
    starts = rng.permutation(frames)[:count, None]
    others = rng.permutation(frames)[:count, None]
    die = rng.random()
    asked[(starts + steps) % frames] = True
    if die < settings.zeroed:
        source[asked] = ZERO
    elif die < settings.zeroed + settings.replaced:
        source[(starts + steps) % frames] = (others + steps) % frames
    return source, asked


def _join(arrays: Sequence[np.ndarray]) -> Tensor:
    """Pad the first axis to the longest, and stack."""
    return pad_sequence([torch.from_numpy(array) for array in arrays], batch_first=True)
