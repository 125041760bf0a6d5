"""Crops: a window, perhaps resized, the same for all sensors."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Self

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field, model_validator

from unlabeled.contract import DenseTarget, MovesSpace, Range
from unlabeled.settings import Settings
from unlabeled_remote_sensing.raster import Layer, Raster, compose, shifted


class Crop(Settings, MovesSpace):
    """A window of `size` pixels at a random place; an axis that is shorter stays whole."""

    keeps: ClassVar[str] = "values, sensors' alignment, map coordinates and scale"
    expects: ClassVar[Range] = Range()
    returns: ClassVar[Range] = Range()

    size: int = Field(32, ge=1, description="side of the window, in pixels")

    def __call__(self, sample: Raster, rng: np.random.Generator) -> Raster:
        sides = tuple(min(self.size, length) for length in sample.shape)
        return cut(sample, sides, rng)


class ResizedCrop(Settings, MovesSpace):
    """A square window of random area, resized to `size` pixels: bilinear, without nodata; masks by
    the nearest pixel."""

    keeps: ClassVar[str] = "sensors' alignment, map coordinates; the scale within `scale`"
    expects: ClassVar[Range] = Range()
    returns: ClassVar[Range] = Range()

    size: int = Field(48, ge=1, description="side of the result, in pixels")
    scale: tuple[float, float] = Field(
        (0.5, 1.0), description="the window's area, as a share of the largest square's"
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        low, high = self.scale
        if not 0 < low <= high <= 1:
            raise ValueError(f"scale: expected 0 < low <= high <= 1, found {self.scale}")
        return self

    def __call__(self, sample: Raster, rng: np.random.Generator) -> Raster:
        largest = min(sample.shape)
        side = max(round(largest * float(rng.uniform(*self.scale)) ** 0.5), 1)
        return resized(cut(sample, (side, side), rng), (self.size, self.size))


def cut(raster: Raster, sides: tuple[int, ...], rng: np.random.Generator) -> Raster:
    """A window of `sides`, (rows, columns), at a place drawn uniformly."""
    row, column = (
        int(rng.integers(length - side + 1))
        for length, side in zip(raster.shape, sides, strict=True)
    )
    rows, columns = slice(row, row + sides[0]), slice(column, column + sides[1])
    moved = shifted((1.0, 0.0, 0.0, 0.0, 1.0, 0.0), row, column)
    return raster.rearranged(lambda x: x[..., rows, columns], moved)


def resized(raster: Raster, shape: tuple[int, int]) -> Raster:
    """The same area in `shape` pixels. A pixel is valid where at least half of it was; that of a
    mask is the nearest one."""
    (height, width), (rows, columns) = raster.shape, shape
    vertical, horizontal = height / rows, width / columns
    scaled = compose(raster.transform, (horizontal, 0.0, 0.0, 0.0, vertical, 0.0))
    metres = raster.metres_per_pixel
    change = _nearest if isinstance(raster, DenseTarget) else _resized
    return replace(
        raster,
        layers={name: change(layer, shape) for name, layer in raster.layers.items()},
        transform=scaled,
        metres_per_pixel=None if metres is None else metres * (vertical * horizontal) ** 0.5,
    )


def _resized(layer: Layer, shape: tuple[int, int]) -> Layer:
    share = _interpolate(layer.valid[None].astype(np.float32), shape)[0]
    values = _interpolate(layer.values * layer.valid, shape)
    valid = share >= 0.5
    return Layer(np.where(valid, values / np.where(valid, share, 1), 0), valid)


def _nearest(layer: Layer, shape: tuple[int, int]) -> Layer:
    rows, columns = (
        # Centres: floor(i · step) alone would take the pixel before the middle.
        np.floor((np.arange(wanted) + 0.5) * (length / wanted)).astype(int)
        for length, wanted in zip(layer.valid.shape, shape, strict=True)
    )
    return Layer(layer.values[:, rows[:, None], columns], layer.valid[rows[:, None], columns])


def _interpolate(values: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """(C, H, W) -> (C, *shape); pixels are averaged where there are fewer of them."""
    small = torch.from_numpy(np.ascontiguousarray(values)).unsqueeze(0)
    scaled = F.interpolate(small, shape, mode="bilinear", antialias=True, align_corners=False)
    return scaled[0].numpy()
