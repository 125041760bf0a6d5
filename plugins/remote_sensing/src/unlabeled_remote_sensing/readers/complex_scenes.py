"""Single-look complex radar: one complex band, or two that hold its real and imaginary parts."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from unlabeled.errors import UnreadableItem
from unlabeled.items import Item
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
    pattern: str = Field("{scene}.tif", description="path below the data folder")

    def read_part(self, item: Item, row: int, column: int, height: int, width: int) -> Raster:
        """Raises UnreadableItem, also for detected images, whose phase is lost."""
        raster = super().read_part(item, row, column, height, width)
        layers = {name: _complex(item.source, layer) for name, layer in raster.layers.items()}
        return Raster(layers, raster.transform, raster.crs, raster.metres_per_pixel)


def _complex(source: str, layer: Layer) -> Layer:
    values = layer.values
    if np.iscomplexobj(values):
        return layer
    if len(values) == 2:
        return Layer((values[:1] + 1j * values[1:]).astype(np.complex64), layer.valid)
    raise UnreadableItem(
        source,
        "complex values, or a real and an imaginary band (single-look complex)",
        f"{len(values)} real bands: a detected or multi-looked image has lost its phase",
    )
