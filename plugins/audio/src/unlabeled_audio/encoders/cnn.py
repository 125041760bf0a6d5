"""A small convolutional network on log-mel spectrograms.

Source: the encoder of BYOL-A, Niizumi et al., IJCNN 2021, arXiv:2103.06695 (AudioNTT2020): three
convolutions with pooling, two layers on each time step, then mean plus maximum over time. Departs
from it: each place is normalised over its channels instead of each channel over the batch, so that
neither padding nor neighbours change an embedding.
Letters: N batch, C channels, B mel bins, S frames, W width.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from unlabeled.contract import Encoder, Encoding, Output, Tokens
from unlabeled.errors import RecipeError
from unlabeled.settings import Settings
from unlabeled_audio.encoders.log_mel import LogMel, LogMelSettings
from unlabeled_audio.waveform import Waveform, Waveforms


class CNNSettings(Settings):
    """Each block halves time and frequency."""

    sample_rate: int | None = Field(None, gt=0, description="Hz; that of the reader if unset")
    features: LogMelSettings = Field(
        LogMelSettings(kind="stft", bins=64), description="the log-mel spectrogram"
    )
    channels: tuple[int, ...] = Field((64, 64, 64), min_length=1, description="of each block")
    width: int = Field(2048, gt=0, description="width of a time step and of the embedding")


class CNN(Encoder):
    """Outputs `clip` (mean plus maximum over time) and `frames`, one for 2^blocks frames each."""

    settings_type = CNNSettings
    settings: CNNSettings

    def __init__(self, settings: CNNSettings) -> None:
        """Raises RecipeError if the sample rate is not known."""
        super().__init__(settings)
        if settings.sample_rate is None:
            raise RecipeError("encoder.sample_rate: is not set and the reader does not say it (Hz)")
        self.sample_rate = settings.sample_rate
        self.features = LogMel(settings.features, settings.sample_rate)
        widths = (1, *settings.channels)
        self.blocks = nn.ModuleList(map(Block, widths[:-1], widths[1:]))
        self.stride = 2 ** len(settings.channels)
        rows = -(-settings.features.rows // self.stride)
        self.steps = nn.Sequential(
            nn.Linear(settings.channels[-1] * rows, settings.width),
            nn.ReLU(),
            nn.Linear(settings.width, settings.width),
            nn.ReLU(),
        )
        self.outputs = (
            Output("clip", "global", settings.width),
            Output("frames", "tokens", settings.width),
        )

    def collate(self, samples: Sequence[Waveform]) -> Waveforms:
        return Waveforms.of(samples, self.sample_rate)

    def _encode(self, batch: Waveforms, output: str) -> Encoding:
        """`frames` carry the time of their middle (s)."""
        values, valid = self.features(batch)
        x = values.unsqueeze(1)
        for block in self.blocks:
            x, valid = block(x, valid)
        steps = self.steps(x.flatten(1, 2).transpose(1, 2))
        if output == "frames":
            place = (torch.arange(steps.shape[1], device=x.device) + 0.5) * self.stride - 0.5
            time = self.features.seconds(place).expand(valid.shape).unsqueeze(2)
            return Tokens(steps, valid, time)
        return mean_plus_maximum(steps, valid)

    def calibrate(self, batches: Iterable[Waveforms]) -> None:
        self.features.calibrate(batches)

    def preprocessing(self) -> Mapping[str, Any]:
        return {
            "input": "mono waveform, full scale [-1, 1], of any length",
            "sample_rate_hz": self.sample_rate,
            "spectrogram": self.settings.features.model_dump(mode="json"),
        }


class Block(nn.Module):
    """3 × 3 convolution, norm over channels, ReLU, 2 × 2 maximum; padding stays zero."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(channels, out, 3, padding=1)
        self.norm = nn.LayerNorm(out)

    def forward(self, x: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
        """x: (N, C, B, S), zero where not valid (N, S). Returns both at half the size, rounded up.

        Values are not negative, so zeros behind a clip's end never win a maximum.
        """
        x = self.convolution(x)
        x = self.norm(x.movedim(1, -1)).movedim(-1, 1).relu()
        x = torch.where(valid[:, None, None], x, 0)
        halved = F.max_pool1d(valid.to(x.dtype).unsqueeze(1), 2, ceil_mode=True) > 0
        return F.max_pool2d(x, 2, ceil_mode=True), halved.squeeze(1)


def mean_plus_maximum(steps: Tensor, valid: Tensor) -> Tensor:
    """Over the valid steps: (N, S, W) and (N, S) -> (N, W). Values are not negative."""
    kept = torch.where(valid.unsqueeze(2), steps, 0)
    return kept.sum(1) / valid.sum(1, keepdim=True) + kept.amax(1)
