"""The sample of this plugin: one or more sensors on one grid, with its place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from unlabeled.contract import DenseTarget
from unlabeled.data.dense_target import UNKNOWN

Transform = tuple[float, float, float, float, float, float]
"""Affine map from (column, row) to map coordinates: x = a·col + b·row + c, y = d·col + e·row + f.
Whole numbers are pixel corners."""


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """The layer of one sensor. values: (C, H, W) float32 in the sensor's unit, or complex64; 0
    where not valid. valid: (H, W) bool, False where any band has no data.
    """

    values: np.ndarray
    valid: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Raster:
    """The aligned sensors of one window; a missing sensor is not in `layers`. crs: WKT, None if the
    file gives none. metres_per_pixel: None without a CRS.
    """

    layers: Mapping[str, Layer]
    transform: Transform
    crs: str | None = None
    metres_per_pixel: float | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W) in pixels."""
        height, width = next(iter(self.layers.values())).valid.shape
        return height, width

    def rearranged(self, change: Callable[[np.ndarray], np.ndarray], moved: Transform) -> Raster:
        """Every layer's last two axes, (H, W), changed alike (a crop, a flip).

        moved: where the new pixels lie on the old grid, as a map of (column, row).
        """
        layers = {
            name: Layer(
                np.ascontiguousarray(change(layer.values)),
                np.ascontiguousarray(change(layer.valid)),
            )
            for name, layer in self.layers.items()
        }
        return replace(self, layers=layers, transform=compose(self.transform, moved))

    def with_values(self, change: Callable[[str, np.ndarray], np.ndarray]) -> Raster:
        """Every layer's values (C, H, W) changed, where they are valid; `change` gets the sensor's
        name."""
        layers = {
            name: Layer(np.where(layer.valid, change(name, layer.values), 0), layer.valid)
            for name, layer in self.layers.items()
        }
        return replace(self, layers=layers)


@dataclass(frozen=True, slots=True, eq=False)
class MaskRaster(Raster, DenseTarget):
    """The classes of a raster's pixels, or those of a window: one layer, "mask", of one band of
    whole numbers; where it is not valid the class is unknown."""

    def classes(self) -> np.ndarray:
        """(H, W) int64."""
        layer = self.layers["mask"]
        return np.where(layer.valid, np.rint(layer.values[0]), UNKNOWN).astype(np.int64)


def compose(outer: Transform, inner: Transform) -> Transform:
    """outer ∘ inner: first `inner`, then `outer`."""
    a, b, c, d, e, f = outer
    g, h, i, j, k, m = inner
    return (
        a * g + b * j,
        a * h + b * k,
        a * i + b * m + c,
        d * g + e * j,
        d * h + e * k,
        d * i + e * m + f,
    )


def shifted(transform: Transform, row: int, column: int) -> Transform:
    """The transform of a window that starts at (row, column)."""
    return compose(transform, (1.0, 0.0, float(column), 0.0, 1.0, float(row)))
