"""Metrics of despeckled images, with and without the true reflectivity. All images are intensities.

Looks alone are misleading: a 3 × 3 mean raises them sevenfold. Read them together with edges, bias
and the structure of the ratio image.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unlabeled_remote_sensing.filters import boxcar


@dataclass(frozen=True, slots=True)
class RatioImage:
    """Noisy over restored intensity. mean: 1 without bias; lag1: correlation of neighbours (rows,
    columns), 0 where nothing but white speckle was removed; looks: 1 for single-look input."""

    mean: float
    looks: float
    lag1: tuple[float, float]


def equivalent_looks(zone: np.ndarray) -> float:
    """mean² / variance of a homogeneous zone, any shape."""
    return float(zone.mean() ** 2 / zone.var())


def psnr(truth: np.ndarray, restored: np.ndarray) -> float:
    """Peak signal-to-noise ratio of amplitudes (H, W), dB; the peak is the truth's highest
    amplitude."""
    error = np.sqrt(truth) - np.sqrt(restored)
    return float(10 * np.log10(truth.max() / np.mean(error**2)))


def bias(reference: np.ndarray, restored: np.ndarray) -> float:
    """Relative difference of the means of (H, W): mean(restored) / mean(reference) - 1."""
    return float(restored.mean() / reference.mean() - 1)


def ratio_image(noisy: np.ndarray, restored: np.ndarray) -> RatioImage:
    """The removed speckle, (H, W) each; pixels where either is NaN, without data, do not count."""
    ratio = noisy / restored
    mean = float(np.nanmean(ratio))
    centred = ratio - mean
    power = float(np.nanmean(centred**2))
    lag1 = (
        float(np.nanmean(centred[1:] * centred[:-1]) / power),
        float(np.nanmean(centred[:, 1:] * centred[:, :-1]) / power),
    )
    return RatioImage(mean, equivalent_looks(ratio[~np.isnan(ratio)]), lag1)


def homogeneous_zones(intensity: np.ndarray, size: int, count: int) -> list[tuple[int, int]]:
    """Corners (row, column) in (H, W) of the `count` squares of `size` pixels that vary least.

    Squares lie on a grid of their own size. Variation is that of means over 5 × 5 pixels, so that
    speckle does not decide; ties go to the first.
    """
    smooth = boxcar(intensity, 5)
    corners = [
        (row, column)
        for row in range(0, intensity.shape[0] - size + 1, size)
        for column in range(0, intensity.shape[1] - size + 1, size)
    ]

    def variation(corner: tuple[int, int]) -> float:
        zone = smooth[corner[0] : corner[0] + size, corner[1] : corner[1] + size]
        return float(zone.std() / zone.mean())

    return sorted(corners, key=variation)[:count]


@dataclass(frozen=True, slots=True)
class Edges:
    """Places (K, 2) of edges in an image, and the unit steps (K, 2) across them, to the brighter
    side."""

    places: np.ndarray
    steps: np.ndarray


def find_edges(intensity: np.ndarray, *, share: float = 0.02, margin: int = 8) -> Edges:
    """The `share` of pixels (H, W) with the strongest ratio of means over 7 × 7 pixels on both
    sides.

    Steps are along rows or along columns; a margin of `margin` pixels is left out.
    """
    level = np.log(boxcar(intensity, 7))
    inner = (slice(margin, -margin), slice(margin, -margin))
    contrast = np.stack([np.roll(level, -4, axis) - np.roll(level, 4, axis) for axis in (0, 1)])
    contrast = contrast[(slice(None), *inner)]
    axis = np.abs(contrast).argmax(axis=0)
    strongest = np.take_along_axis(contrast, axis[None], axis=0)[0]
    count = max(int(share * strongest.size), 1)
    order = np.argsort(-np.abs(strongest), axis=None, kind="stable")[:count]
    rows, columns = np.unravel_index(order, strongest.shape)
    places = np.stack([rows, columns], axis=1) + margin
    steps = np.eye(2, dtype=int)[axis[rows, columns]] * np.sign(strongest[rows, columns])[:, None]
    return Edges(places, steps.astype(int))


def edge_contrast(image: np.ndarray, edges: Edges, *, reach: int = 2) -> float:
    """Log of the mean intensity of (H, W) `reach` pixels on the bright side over that on the dark
    side.

    Averaged over edges before the logarithm, so that speckle does not bias it: a filter that keeps
    edges keeps the value of the unfiltered image, one that blurs them lowers it.
    """
    (bright, dark) = (
        image[tuple((edges.places + sign * reach * edges.steps).T)] for sign in (1, -1)
    )
    return float(np.log(bright.mean() / dark.mean()))
