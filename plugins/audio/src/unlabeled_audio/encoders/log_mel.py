"""Log-mel and MFCC spectrograms on the device: batched, differentiable, aware of lengths.

Two kinds, because published encoders differ: `kaldi` as SSAST, AST and Audio-MAE take it, `stft` as
TERA and BYOL-A do. Both use the mel scale 1127 ln(1 + f / 700 Hz), and natural logarithms.
Cepstral coefficients (Davis and Mermelstein 1980) are their orthonormal DCT-II, without liftering.
Letters: N batch, T samples, M mel bins, S frames, B rows (mel bins or coefficients).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Literal, Self

import torch
import torch.nn.functional as F
from pydantic import Field, model_validator
from torch import Tensor, nn

from unlabeled.errors import RecipeError
from unlabeled.settings import Settings
from unlabeled_audio.waveform import Waveforms

PREEMPHASIS = 0.97
KALDI_FLOOR = torch.finfo(torch.float32).eps
STFT_FLOOR = 1e-10
CHUNK = 512
"""Frames per pass, so that a pass fits the processor's cache."""


class LogMelSettings(Settings):
    """Settings of the spectrogram and its normalisation.

    `data` subtracts the mean of the training data and divides by twice their standard deviation,
    as SSAST does; `bins` does so for each row (what coefficients need); `clip` makes each row of
    each clip zero-mean and unit-variance over the clip's own frames, as TERA does.
    """

    kind: Literal["kaldi", "stft"] = Field(
        "kaldi", description="kaldi's filter bank, or a centred short-time Fourier transform"
    )
    bins: int = Field(128, ge=2, description="mel bins")
    coefficients: int | None = Field(
        None, ge=1, description="MFCC: so many cepstral coefficients in place of the mel bins"
    )
    window_ms: float = Field(25.0, gt=0, description="length of the Hann window (ms)")
    hop_ms: float = Field(10.0, gt=0, description="from frame to frame (ms)")
    low_hz: float = Field(20.0, ge=0, description="lower edge of the first bin (Hz)")
    high_hz: float | None = Field(
        None, gt=0, description="upper edge of the last bin (Hz); half the rate if unset"
    )
    normalise: Literal["data", "bins", "clip", "none"] = Field(
        "data", description="by statistics of the data, of each bin, of each clip, or not at all"
    )

    @property
    def rows(self) -> int:
        """Height of the spectrogram: mel bins or coefficients."""
        return self.coefficients or self.bins

    @model_validator(mode="after")
    def _has_coefficients(self) -> Self:
        if self.coefficients and self.coefficients > self.bins:
            raise ValueError(f"{self.bins} mel bins have no {self.coefficients} coefficients")
        return self


class LogMel(nn.Module):
    """(N, T) waveforms -> (N, B, S), normalised, zero behind each clip's end."""

    window: Tensor
    filters: Tensor
    cosines: Tensor | None
    mean: Tensor
    deviation: Tensor

    def __init__(self, settings: LogMelSettings, sample_rate: int) -> None:
        """sample_rate: Hz. Raises RecipeError if the bins do not fit below half of it."""
        super().__init__()
        self.settings = settings
        self.sample_rate = sample_rate
        self.length = round(settings.window_ms * sample_rate / 1000)
        self.hop = max(round(settings.hop_ms * sample_rate / 1000), 1)
        kaldi = settings.kind == "kaldi"
        self.fft = 1 << (self.length - 1).bit_length() if kaldi else self.length
        high = settings.high_hz or sample_rate / 2
        if self.length < 2 or not settings.low_hz < high <= sample_rate / 2:
            raise RecipeError(
                f"encoder.features: mel bins from {settings.low_hz} to {high} Hz in windows of "
                f"{settings.window_ms} ms do not fit {sample_rate} Hz"
            )
        window = torch.hann_window(self.length, periodic=not kaldi)
        bank = mel_filters(settings.bins, self.fft, sample_rate, settings.low_hz, high, kaldi=kaldi)
        self.register_buffer("window", window, persistent=False)
        self.register_buffer("filters", bank, persistent=False)
        cosines = dct(settings.coefficients, settings.bins) if settings.coefficients else None
        self.register_buffer("cosines", cosines, persistent=False)
        count = settings.rows if settings.normalise == "bins" else 1
        self.register_buffer("mean", torch.zeros(count, 1))
        self.register_buffer("deviation", torch.full((count, 1), 0.5))

    def frames(self, samples: int) -> int:
        """How many frames a clip of `samples` samples gives, at least one."""
        return int(self._frames(torch.tensor(samples, device="cpu")))

    def seconds(self, frame: Tensor) -> Tensor:
        """When the middle of a frame is (s); frame: any shape, may be fractional."""
        middle = self.length / 2 if self.settings.kind == "kaldi" else 0.0
        return (frame * self.hop + middle) / self.sample_rate

    def forward(self, batch: Waveforms) -> tuple[Tensor, Tensor]:
        """Returns (N, B, S) and which frames are data, (N, S) bool.

        At full precision, also under autocast: Fourier transforms overflow in fp16.
        """
        with torch.autocast(batch.values.device.type, enabled=False):
            energies, valid = self._measure(batch)
            values = (energies - self.mean) / (2 * self.deviation)
            if self.settings.normalise == "clip":
                values = _standardise(energies, valid)
            return torch.where(valid.unsqueeze(1), values, 0), valid

    def energies(self, values: Tensor) -> Tensor:
        """(N, T) -> (N, M, S): natural logarithms of the energy in each bin, not normalised."""
        # On a processor the frames of one clip at a time fit the cache; a device takes them all.
        # A traced graph must not fix their number.
        if values.device.type != "cpu" or torch.compiler.is_exporting():
            return self._energies(values, None)
        return torch.cat([self._energies(clips, CHUNK) for clips in torch.split(values, 1)])

    def calibrate(self, batches: Iterable[Waveforms]) -> None:
        """Estimate mean and standard deviation over the valid frames of all `batches`."""
        if self.settings.normalise not in ("data", "bins"):
            return
        axes = (0, 1) if self.settings.normalise == "data" else (0,)
        count, total, squares = 0, torch.zeros(()), torch.zeros(())
        for batch in batches:
            energies, valid = self._measure(batch)
            frames = energies.transpose(1, 2)[valid].double().cpu()
            count += frames.numel() // self.mean.numel()
            total = total + frames.sum(axes)
            squares = squares + frames.square().sum(axes)
        if not count:
            return
        mean = total / count
        variance = (squares / count - mean.square()).clamp(min=0)
        # A bin that never varies (nothing above a low rate's band) keeps the spread 1.
        deviation = torch.where(variance > 1e-12, variance.sqrt(), 0.5)
        self.mean.copy_(mean.reshape(self.mean.shape))
        self.deviation.copy_(deviation.reshape(self.deviation.shape))

    def _measure(self, batch: Waveforms) -> tuple[Tensor, Tensor]:
        energies = self.energies(batch.values.to(self.window.dtype))
        if self.cosines is not None:
            energies = self.cosines @ energies
        steps = torch.arange(energies.shape[2], device=energies.device)
        return energies, steps < self._frames(batch.lengths).unsqueeze(1)

    def _frames(self, samples: Tensor) -> Tensor:
        if self.settings.kind == "stft":
            return 1 + samples // self.hop
        return 1 + (samples - self.length).clamp(min=0) // self.hop

    def _energies(self, values: Tensor, chunk: int | None) -> Tensor:
        """chunk: frames per pass, all at once if None."""
        kaldi = self.settings.kind == "kaldi"
        if kaldi:
            padded = F.pad(values, (0, max(self.length - values.shape[1], 0)))
        else:
            padded = F.pad(values, (self.fft // 2, self.fft - self.fft // 2))
        sharpened = F.pad(padded[:, 1:] - PREEMPHASIS * padded[:, :-1], (1, 0))
        frames = padded.unfold(1, self.length, self.hop)
        source = sharpened.unfold(1, self.length, self.hop) if kaldi else frames
        if chunk is None:
            energies = self._bins(source, frames)
        else:
            pairs = zip(torch.split(source, chunk, 1), torch.split(frames, chunk, 1), strict=True)
            energies = torch.cat([self._bins(*pair) for pair in pairs], dim=1)
        energies = energies.transpose(1, 2)
        return energies.clamp(min=KALDI_FLOOR).log() if kaldi else (energies + STFT_FLOOR).log()

    def _bins(self, source: Tensor, frames: Tensor) -> Tensor:
        """Energy in each bin, (N, S, M); source, frames: (N, S, window), sharpened and as is."""
        windowed = source * self.window
        if self.settings.kind == "kaldi":
            # Without each frame's own mean. Its first sample, which kaldi sharpens in another
            # way, does not matter: the window is zero there.
            offset = frames.mean(-1, keepdim=True)
            windowed = torch.addcmul(windowed, offset, self.window, value=PREEMPHASIS - 1)
        spectrum = torch.fft.rfft(windowed, n=self.fft)
        energies: Tensor = (spectrum.real.square() + spectrum.imag.square()) @ self.filters
        return energies


def mel_filters(
    bins: int, fft: int, sample_rate: int, low: float, high: float, *, kaldi: bool
) -> Tensor:
    """Triangular filters, (F, bins) for F = fft // 2 + 1, equally spaced in mel from `low` to
    `high` (Hz).

    kaldi: the triangles' sides are straight on the mel axis, otherwise on the frequency axis.
    """
    frequency = torch.arange(fft // 2 + 1, dtype=torch.float64) * sample_rate / fft
    edges = torch.linspace(_mel(low), _mel(high), bins + 2, dtype=torch.float64)
    axis = 1127 * (1 + frequency / 700).log()
    if not kaldi:
        axis, edges = frequency, 700 * ((edges / 1127).exp() - 1)
    left, centre, right = edges[:-2], edges[1:-1], edges[2:]
    axis = axis.unsqueeze(1)
    rising, falling = (axis - left) / (centre - left), (right - axis) / (right - centre)
    filters = torch.minimum(rising, falling).clamp(min=0)
    if kaldi:
        filters[-1] = 0  # kaldi leaves out the highest frequency
    return filters.to(torch.get_default_dtype())


def dct(count: int, bins: int) -> Tensor:
    """The first `count` rows of the orthonormal DCT-II of `bins` values: (count, bins)."""
    place = torch.arange(bins, dtype=torch.float64) + 0.5
    rows = (torch.arange(count, dtype=torch.float64).unsqueeze(1) * place * math.pi / bins).cos()
    rows = rows * math.sqrt(2 / bins)
    rows[0] /= math.sqrt(2)
    return rows.to(torch.get_default_dtype())


def _mel(hertz: float) -> float:
    return 1127 * math.log(1 + hertz / 700)


def _standardise(energies: Tensor, valid: Tensor) -> Tensor:
    """Each bin of each clip to zero mean and unit variance over the clip's valid frames."""
    weight = valid.unsqueeze(1).to(energies.dtype) / valid.sum(1).view(-1, 1, 1)
    mean = (energies * weight).sum(2, keepdim=True)
    variance = ((energies - mean).square() * weight).sum(2, keepdim=True)
    return (energies - mean) / (variance + 1e-10).sqrt()
