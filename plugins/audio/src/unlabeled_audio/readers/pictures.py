"""A clip as a spectrogram, and as sound."""

from __future__ import annotations

import torch

from unlabeled.contract import Preview
from unlabeled.pictures import contrast, grey_levels, png, wav
from unlabeled_audio.waveform import Waveform

SECONDS = 10.0
"""Of the clip that are shown and heard, from its start."""
HEARD = 450_000
"""Samples that are heard at most: 16 bits each."""
FRAME = 512
"""Samples of a frame of the spectrogram, half of which overlap."""


def previews_of(clip: Waveform) -> list[Preview]:
    """The spectrogram, high pitches on top, and the first channel to listen to."""
    values = clip.values[0, : int(SECONDS * clip.sample_rate)]
    seconds = len(values) / clip.sample_rate
    padded = torch.nn.functional.pad(values, (0, max(0, FRAME - len(values))))
    window = torch.hann_window(FRAME, dtype=padded.dtype)
    power = torch.stft(
        padded, FRAME, FRAME // 2, window=window, center=False, return_complex=True
    ).abs()
    decibels = 20 * power.clamp(min=1e-6).log10().numpy()[::-1]
    low, high = contrast(decibels)
    shown = (
        f"{seconds:.2f} of {clip.seconds:.2f} s from left to right, 0 to "
        f"{clip.sample_rate / 2000:g} kHz upwards, {low:.0f} (black) to {high:.0f} dB (white)"
    )
    heard = values[:HEARD].numpy()
    sound = f"the first {len(heard) / clip.sample_rate:.2f} s at {clip.sample_rate} Hz"
    return [
        Preview(png(grey_levels(decibels, low, high)), "png", shown),
        Preview(wav(heard, clip.sample_rate), "wav", sound),
    ]
