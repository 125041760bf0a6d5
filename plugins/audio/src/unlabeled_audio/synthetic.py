"""Seeded toy recordings with known structure: four calls, each in its own noise."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import soundfile

CALLS = ("rising", "falling", "trill", "pulses")
RECORDERS = 3
SAMPLE_RATE = 16_000


GROUPS = {"pattern": "{take}_{recorder}.wav", "group": "recorder"}
"""Settings by which the reader finds the recorder in a file's name."""


def write_chirps(path: Path, *, count: int, seed: int) -> dict[str, str]:
    """Write `count` WAV files and `labels.csv` (item, label, group) into the folder `path`.

    16 kHz, mono, 0.5 to 1 s. The label is the call; the group is the recorder, which sets the
    level and the noise and which the file's name gives. Pitch, start and duration vary within a
    label. Returns `GROUPS`.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for index in range(count):
        call, recorder = CALLS[index % len(CALLS)], index // len(CALLS) % RECORDERS
        name = f"{index:04d}_recorder{recorder}.wav"
        soundfile.write(path / name, _recording(call, recorder, rng), SAMPLE_RATE)
        rows.append({"item": name, "label": call, "group": f"recorder{recorder}"})
    with (path / "labels.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ["item", "label", "group"])
        writer.writeheader()
        writer.writerows(rows)
    return GROUPS


def _recording(call: str, recorder: int, rng: np.random.Generator) -> np.ndarray:
    seconds = rng.uniform(0.5, 1.0)
    samples = int(seconds * SAMPLE_RATE)
    sound = _call(call, samples, rng)
    noise = rng.standard_normal(samples) * (0.01, 0.02, 0.04)[recorder]
    return np.clip((0.3, 0.2, 0.1)[recorder] * sound + noise, -1, 1)


def _call(call: str, samples: int, rng: np.random.Generator) -> np.ndarray:
    """Amplitude 1; `samples` long, the call itself fills the middle 60 to 90 %."""
    place = np.linspace(0, 1, samples)
    low = rng.uniform(600, 1500)
    high = low * rng.uniform(1.5, 2.5)
    pitch = {"rising": low + (high - low) * place, "falling": high - (high - low) * place}
    frequency = pitch.get(call, np.full(samples, (low + high) / 2))
    sound = np.sin(2 * np.pi * np.cumsum(frequency) / SAMPLE_RATE)
    if call == "trill":
        sound *= np.sin(np.pi * rng.uniform(18, 26) * place) ** 2
    if call == "pulses":
        sound *= np.sin(np.pi * rng.integers(3, 6) * place) ** 2 > 0.8
    margin = rng.uniform(0.05, 0.2)
    result: np.ndarray = sound * ((place > margin) & (place < 1 - margin))
    return result
