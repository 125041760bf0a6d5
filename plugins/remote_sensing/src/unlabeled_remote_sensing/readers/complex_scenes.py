"""Single-look complex radar: one complex band, or two that hold its real and imaginary parts."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from pydantic import Field

from unlabeled.data.items import Item
from unlabeled.data.sources import files_of
from unlabeled.errors import UnreadableItem
from unlabeled_remote_sensing.raster import Layer, Raster
from unlabeled_remote_sensing.readers.scenes import Scenes
from unlabeled_remote_sensing.sensors import Sensor


class ComplexScenes(Scenes):
    """As `Scenes`, with one sensor by default; every layer holds complex64, (C, H, W)."""

    sensors: dict[str, Sensor] = Field(
        {"slc": Sensor(bands=("amplitude",), unit="amplitude")},
        min_length=1,
        description="by the name that the files use; two bands are real and imaginary part",
    )
    pattern: str | None = Field("{scene}.tif", description="names with fields: scene, date, more")

    def read_part(self, item: Item, row: int, column: int, height: int, width: int) -> Raster:
        """Areas of zeros, which processors leave around a scene, count as no data. Raises
        UnreadableItem, also for detected images, whose phase is lost.
        """
        raster = super().read_part(item, row, column, height, width)
        source = str(files_of(item.source)[0])
        layers = {name: _complex(source, layer) for name, layer in raster.layers.items()}
        return Raster(layers, raster.transform, raster.crs, raster.metres_per_pixel)


def _complex(source: str, layer: Layer) -> Layer:
    values = layer.values
    if not np.iscomplexobj(values):
        if len(values) != 2:
            raise _detected(source, f"{len(values)} real bands")
        values = (values[:1] + 1j * values[1:]).astype(np.complex64)
    valid = layer.valid & ~zero_areas((values == 0).all(axis=0))
    if valid.any() and any((part[:, valid] == 0).all() for part in (values.real, values.imag)):
        raise _detected(source, "one part that is 0 everywhere")
    return Layer(np.where(valid, values, 0), valid)


def zero_areas(zero: np.ndarray) -> np.ndarray:
    """Pixels within some 3 × 3 of zeros; (H, W) bool both. What is beyond the border counts as 0.

    A single zero is a dark pixel that was rounded, and stays.
    """
    padded = np.pad(zero, 1, constant_values=True)
    centres = sliding_window_view(padded, (3, 3)).all(axis=(2, 3))
    return np.asarray(sliding_window_view(np.pad(centres, 1), (3, 3)).any(axis=(2, 3)))


def _detected(source: str, found: str) -> UnreadableItem:
    return UnreadableItem(
        source,
        "complex values, or a real and an imaginary band (single-look complex)",
        f"{found}: a detected or multi-looked image has lost its phase",
    )
