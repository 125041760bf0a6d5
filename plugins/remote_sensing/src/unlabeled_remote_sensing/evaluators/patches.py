"""What is known of each patch of a scene: an encoder's tokens, all its pixels, or band indices."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from rasterio.transform import Affine

from unlabeled.contract import Piece
from unlabeled.errors import PluginError
from unlabeled_remote_sensing.raster import Raster
from unlabeled_remote_sensing.sensors import Sensor, band_key

RAW = 4
"""The side in pixels of the patches whose values are compared with tokens."""
WAVELENGTHS: Mapping[str, tuple[str, ...]] = {
    "green": ("B03", "GREEN"),
    "red": ("B04", "RED"),
    "near infrared": ("B08", "NIR", "B8A"),
    "short-wave infrared": ("B11", "SWIR1", "SWIR"),
}
"""Names of bands (Sentinel-2's, or words), the preferred first."""
INDICES: Mapping[str, tuple[str, str]] = {
    "NDVI": ("near infrared", "red"),
    "NDWI": ("green", "near infrared"),
    "MNDWI": ("green", "short-wave infrared"),
    "NDBI": ("short-wave infrared", "near infrared"),
}
"""(a - b) / (a + b): Rouse et al. 1974, McFeeters 1996, Xu 2006, Zha et al. 2003."""


@dataclass(frozen=True, slots=True, eq=False)
class Patches:
    """An image as one vector for each patch of `side` pixels, (rows, columns, D) float, which cover
    it; patches at its right and lower border may reach beyond it."""

    values: np.ndarray
    side: int


def token_patches(piece: Piece, scene: Raster) -> Patches:
    """Tokens at their places in the scene, zeros where there is none, for want of data.

    Raises PluginError for tokens that lie on no grid of square patches.
    """
    assert piece.position is not None
    x, y = piece.position.T
    a, b, c, d, e, f = tuple(~Affine(*scene.transform))[:6]
    column, row = a * x + b * y + c, d * x + e * y + f
    side = _side(row, column)
    places = [each / side - 0.5 for each in (row, column)]
    grid = [np.rint(place).astype(int) for place in places]
    if any(np.abs(place - near).max() > 1e-3 for place, near in zip(places, grid, strict=True)):
        raise PluginError("tokens: expected the centres of square patches from the first pixel on")
    rows, columns = (-(-length // side) for length in scene.shape)
    values = np.zeros((rows, columns, piece.values.shape[1]), piece.values.dtype)
    values[grid[0], grid[1]] = piece.values
    return Patches(values, side)


def _side(row: np.ndarray, column: np.ndarray) -> int:
    """The distance of neighbouring centres; of one token alone, which is the first, twice its
    own."""
    steps = [np.diff(np.unique(np.round(axis, 3))) for axis in (row, column)]
    near = np.concatenate(steps)
    side = near.min() if len(near) else 2 * min(row.min(), column.min())
    return max(int(np.rint(side)), 1)


def raw_patches(scene: Raster, sensors: Mapping[str, Sensor]) -> Patches:
    """All values of each patch of 4 px, zeros where there are no data; sensors: of the reader, as a
    scene may lack one, those of the scene if empty."""
    bands = {name: len(sensor.bands) for name, sensor in sensors.items()} or {
        name: len(layer.values) for name, layer in scene.layers.items()
    }
    return _patches([_values(scene, name, count) for name, count in bands.items()])


def index_patches(scene: Raster, sensors: Mapping[str, Sensor]) -> Patches | None:
    """The indices that the bands allow, of each pixel in patches of 4 px; None if none."""
    found = [
        change(_values(scene, name, len(sensor.bands)))
        for name, sensor in sensors.items()
        for change in band_indices(sensor).values()
    ]
    return _patches([each[None] for each in found]) if found else None


def band_indices(sensor: Sensor) -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    """By name: (C, H, W) of the sensor's bands -> (H, W)."""
    bands = [band_key(band) for band in sensor.bands]
    place = {
        what: next((bands.index(name) for name in names if name in bands), None)
        for what, names in WAVELENGTHS.items()
    }
    found = {
        name: _normalised_difference(place[a], place[b])
        for name, (a, b) in INDICES.items()
        if place[a] is not None and place[b] is not None
    }
    if sensor.unit == "dB" and {"VV", "VH"} <= set(bands):
        found["VV - VH"] = _difference(bands.index("VV"), bands.index("VH"))
    return found


def _normalised_difference(a: int | None, b: int | None) -> Callable[[np.ndarray], np.ndarray]:
    def index(values: np.ndarray) -> np.ndarray:
        total = values[a] + values[b]
        return np.asarray((values[a] - values[b]) / np.where(total == 0, 1, total))

    return index


def _difference(a: int, b: int) -> Callable[[np.ndarray], np.ndarray]:
    return lambda values: np.asarray(values[a] - values[b])


def _values(scene: Raster, name: str, count: int) -> np.ndarray:
    """(C, H, W); zeros where the sensor is missing."""
    if name in scene.layers:
        return scene.layers[name].values
    return np.zeros((count, *scene.shape), np.float32)


def _patches(bands: list[np.ndarray]) -> Patches:
    """Each (C, H, W) -> (rows, columns, C · 16)."""
    joined = np.concatenate(bands)
    if np.iscomplexobj(joined):
        joined = np.abs(joined)
    channels, height, width = joined.shape
    joined = np.pad(joined, ((0, 0), (0, -height % RAW), (0, -width % RAW)))
    rows, columns = (length // RAW for length in joined.shape[1:])
    cells = joined.reshape(channels, rows, RAW, columns, RAW).transpose(1, 3, 0, 2, 4)
    return Patches(cells.reshape(rows, columns, -1), RAW)
