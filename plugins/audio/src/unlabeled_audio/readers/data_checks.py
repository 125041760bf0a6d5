"""Checks for unusual recordings, in a few words each."""

from __future__ import annotations

from unlabeled_audio.waveform import Waveform

SILENCE = 10 ** (-80 / 20)
"""Full scale; 16-bit files with only dither stay below."""

OFFSET = 0.05
"""Mean, full scale."""

CLIPPED = 1e-3
"""Share of the samples that stand at the peak."""


def check_data(sample: Waveform) -> list[str]:
    """Short phrases; empty if nothing is unusual."""
    values = sample.values
    peak = float(values.abs().max())
    if peak < SILENCE:
        return ["silent (no sound, or channels that cancel in their mean)"]
    found = ["a channel that is all zero, in the mean of them"] if sample.dead_channels else []
    if float(values.mean().abs()) > OFFSET:
        found.append("a constant offset")
    if peak > 1:
        found.append("samples beyond full scale")
    # A peak value that occurs again and again is the limit of the recorder.
    if float((values.abs() >= 0.999 * peak).float().mean()) > CLIPPED and values.shape[-1] > 100:
        found.append("clipped peaks")
    return found
