"""A clip as a spectrogram, and as sound."""

from __future__ import annotations

import numpy as np
import torch

from unlabeled.contract import Preview
from unlabeled.pictures import contrast, grey_levels, heat, png, wav
from unlabeled_audio.waveform import Waveform

SECONDS = 10.0
"""Of the clip that are shown and heard, from its start."""
HEARD = 120_000
"""Samples that are heard at most: 16 bits each."""
FRAME = 512
"""Samples of a frame of the spectrogram."""
COLUMNS, ROWS = 300, 128
"""Pixels: frames overlap more in a short clip, and each row is the mean of two bands."""


def previews_of(clip: Waveform) -> list[Preview]:
    """The spectrogram, high pitches on top, and the first channel to listen to."""
    values = clip.values[0, : int(SECONDS * clip.sample_rate)]
    seconds = len(values) / clip.sample_rate
    decibels = spectrogram(values)
    low, high = contrast(decibels)
    shown = (
        f"{seconds:.2f} of {clip.seconds:.2f} s from left to right, 0 to "
        f"{clip.sample_rate / 2000:g} kHz upwards, {low:.0f} (dark) to {high:.0f} dB (bright)"
    )
    heard = values[:HEARD].numpy()
    sound = f"the first {len(heard) / clip.sample_rate:.2f} s at {clip.sample_rate} Hz"
    return [
        Preview(png(heat(grey_levels(decibels, low, high))), "png", shown),
        Preview(wav(heard, clip.sample_rate), "wav", sound),
    ]


def spectrogram(values: torch.Tensor) -> np.ndarray:
    """(ROWS, at most COLUMNS) in dB of the amplitude, high pitches first. values: (T,)."""
    padded = torch.nn.functional.pad(values, (0, max(0, FRAME - len(values))))
    hop = max(1, -(-(len(padded) - FRAME) // (COLUMNS - 1)))
    window = torch.hann_window(FRAME, dtype=padded.dtype)
    power = torch.stft(padded, FRAME, hop, window=window, center=False, return_complex=True).abs()
    bands = power[: 2 * ROWS].reshape(ROWS, 2, -1).mean(1)
    found: np.ndarray = 20 * bands.clamp(min=1e-6).log10().numpy()[::-1]
    return found
