"""How an encoder's score depends on the size in which it sees images, and on their scaling.

Source: Corley, Robinson, Dodhia, Lavista Ferres, Najafirad 2023, arXiv:2305.13456: features are
compared at several sizes and normalisations, always beside image statistics, because the choice
changes the ranking.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from pydantic import Field

from unlabeled.contract import Encoder, Evaluator
from unlabeled.inference.encoding import encode
from unlabeled.settings import Settings
from unlabeled_remote_sensing.augmentations.crop import resized
from unlabeled_remote_sensing.baselines.band_statistics import BandStatistics
from unlabeled_remote_sensing.raster import Raster

Scaling = Literal["none", "standardise", "minmax"]
BATCH = 64


@dataclass(frozen=True, slots=True)
class SizeScore:
    """One cell of the table. size: the side in pixels, None as the images come."""

    name: str
    size: int | None
    scaling: Scaling
    score: float


class SizeProtocol(Settings):
    """Every size with every scaling; band statistics stand beside the encoder in each."""

    sizes: tuple[int | None, ...] = Field((None, 64, 96), description="sides, null as it comes")
    scalings: tuple[Scaling, ...] = Field(("none", "standardise"), description="of the bands")

    def __call__(
        self,
        encoder: Encoder,
        output: str,
        probe: Evaluator,
        train: Sequence[Raster],
        target: np.ndarray,
        groups: np.ndarray,
        test: Sequence[Raster],
        test_target: np.ndarray,
    ) -> list[SizeScore]:
        """output: a global one; probe: fitted on `train` for each cell; target, groups: (N,).

        `none` leaves scaling to the encoder's own statistics; `standardise` and `minmax` put those
        of the training images in their place.
        """
        scores = []
        ranges, expected = band_ranges(train), expected_statistics(encoder)
        for scaling in self.scalings:
            shown = [[scaled(r, ranges, expected, scaling) for r in part] for part in (train, test)]
            for size in self.sizes:
                parts = [
                    [r if size is None else resized(r, (size, size)) for r in p] for p in shown
                ]
                for name, embedding in (
                    ("encoder", [embed(encoder, output, part) for part in parts]),
                    ("band statistics", [statistics(part) for part in parts]),
                ):
                    found = probe.predict(embedding[0], target, groups, embedding[1])
                    score = probe.score(test_target, found)
                    scores.append(SizeScore(name, size, scaling, score))
        return scores


def embed(encoder: Encoder, output: str, rasters: Sequence[Raster]) -> np.ndarray:
    """(N, D)."""
    with torch.inference_mode():
        pieces = [
            piece
            for start in range(0, len(rasters), BATCH)
            for piece in encode(encoder, rasters[start : start + BATCH], output)
        ]
    return np.asarray(np.concatenate([piece.values for piece in pieces]))


def statistics(rasters: Sequence[Raster]) -> np.ndarray:
    """(N, D) band statistics; what is undefined becomes 0."""
    describe = BandStatistics()
    return np.asarray(np.nan_to_num(np.stack([describe(raster) for raster in rasters])))


def band_ranges(rasters: Sequence[Raster]) -> Mapping[str, np.ndarray]:
    """(4, C) of each sensor over all valid pixels: mean, std, lowest, highest."""
    ranges = {}
    for name in rasters[0].layers:
        layers = [raster.layers[name] for raster in rasters if name in raster.layers]
        pixels = np.concatenate([layer.values[:, layer.valid] for layer in layers], axis=1)
        pixels = pixels.astype(np.float64)
        ranges[name] = np.stack([pixels.mean(1), pixels.std(1), pixels.min(1), pixels.max(1)])
    return ranges


def expected_statistics(encoder: Encoder) -> Mapping[str, np.ndarray]:
    """(2, C) of each sensor: the mean and std by which the encoder normalises."""
    sensors = encoder.preprocessing()["sensors"]
    return {name: np.array([one["mean"], one["std"]]) for name, one in sensors.items()}


def scaled(
    raster: Raster,
    ranges: Mapping[str, np.ndarray],
    expected: Mapping[str, np.ndarray],
    scaling: Scaling,
) -> Raster:
    """Such values (C, H, W) that the encoder's network sees (x - mean) / std, or (x - lowest) /
    range."""
    if scaling == "none":
        return raster

    def change(name: str, values: np.ndarray) -> np.ndarray:
        mean, std, low, high = (x[:, None, None] for x in ranges[name])
        shift, span = (mean, std) if scaling == "standardise" else (low, high - low)
        unit = (values - shift) / np.where(span > 0, span, 1)
        own_mean, own_std = (x[:, None, None] for x in expected[name])
        return np.asarray(unit * own_std + own_mean, dtype=np.float32)

    return raster.with_values(change)
