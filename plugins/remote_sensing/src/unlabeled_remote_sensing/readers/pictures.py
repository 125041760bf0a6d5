"""Each sensor of a scene: optical bands in their colours, radar in grey."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from unlabeled.contract import Preview
from unlabeled.pictures import contrast, grey_levels, png
from unlabeled_remote_sensing.raster import Layer, Raster
from unlabeled_remote_sensing.sensors import Sensor

COLOURS = ("B04", "B03", "B02"), ("B4", "B3", "B2"), ("red", "green", "blue")
"""Names of the red, green and blue bands, of Sentinel-2 and others."""


def previews_of(raster: Raster, sensors: Mapping[str, Sensor]) -> list[Preview]:
    """One composite per sensor that is there; without data is black."""
    return [_of(name, layer, sensors[name], raster) for name, layer in raster.layers.items()]


def _of(name: str, layer: Layer, sensor: Sensor, raster: Raster) -> Preview:
    chosen = colours_of(sensor.bands)
    values, unit = layer.values[chosen], sensor.unit
    if np.iscomplexobj(values):
        values, unit = 20 * np.log10(np.abs(values).clip(1e-6)), "dB of the amplitude"
    ranges = [contrast(band[layer.valid]) for band in values]
    levels = [
        grey_levels(np.where(layer.valid, band, np.nan), *each)
        for band, each in zip(values, ranges, strict=True)
    ]
    bands = ", ".join(
        f"{sensor.bands[place]} {low:.4g} to {high:.4g}"
        for place, (low, high) in zip(chosen, ranges, strict=True)
    )
    sides = " × ".join(map(str, raster.shape))
    pixel = f" of {raster.metres_per_pixel:.3g} m" if raster.metres_per_pixel else ""
    picture = png(np.stack(levels, axis=-1) if len(levels) == 3 else levels[0])
    return Preview(picture, "png", f"{name}: {bands} {unit}; {sides} pixels{pixel}".strip())


def colours_of(bands: tuple[str, ...]) -> list[int]:
    """The places of the red, green and blue band; the first alone where they are not known."""
    for names in COLOURS:
        if set(names) <= set(bands):
            return [bands.index(name) for name in names]
    return [0]
