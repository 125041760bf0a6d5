"""Each sensor of a scene: optical bands in their colours, two polarisations in false ones."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from unlabeled.contract import Preview
from unlabeled.pictures import contrast, grey_levels, png
from unlabeled_remote_sensing.raster import Layer, Raster
from unlabeled_remote_sensing.sensors import Sensor

COLOURS = ("B04", "B03", "B02"), ("B4", "B3", "B2"), ("red", "green", "blue")
"""Names of the red, green and blue bands, of Sentinel-2 and others."""


RADAR = ("VV", "VH"), ("HH", "HV")
"""Two polarisations: shown as red and green, and their difference in dB as blue."""


def previews_of(raster: Raster, sensors: Mapping[str, Sensor]) -> list[Preview]:
    """One composite per sensor that is there, those in natural colours first; without data is
    black."""
    order = sorted(raster.layers, key=lambda name: len(colours_of(sensors[name].bands)) < 3)
    return [_of(name, raster.layers[name], sensors[name], raster) for name in order]


def _of(name: str, layer: Layer, sensor: Sensor, raster: Raster) -> Preview:
    names, values, unit = _bands(layer, sensor)
    ranges = [contrast(band[layer.valid]) for band in values]
    levels = [
        grey_levels(np.where(layer.valid, band, np.nan), *each)
        for band, each in zip(values, ranges, strict=True)
    ]
    bands = ", ".join(
        f"{band} {low:.4g} to {high:.4g}" for band, (low, high) in zip(names, ranges, strict=True)
    )
    sides = " × ".join(map(str, raster.shape))
    pixel = f" of {raster.metres_per_pixel:.3g} m" if raster.metres_per_pixel else ""
    picture = png(np.stack(levels, axis=-1) if len(levels) == 3 else levels[0])
    return Preview(picture, "png", f"{name}: {bands} {unit}; {sides} pixels{pixel}".strip())


def _bands(layer: Layer, sensor: Sensor) -> tuple[list[str], np.ndarray, str]:
    """Names, values (1 or 3, H, W) and unit of what is shown: as red, green and blue."""
    pair = next((pair for pair in RADAR if set(pair) <= set(sensor.bands)), None)
    complex_values = np.iscomplexobj(layer.values)
    if pair and (complex_values or sensor.unit == "dB"):
        names, places = list(pair), [sensor.bands.index(band) for band in pair]
    else:
        pair, places = None, colours_of(sensor.bands)
        names = [sensor.bands[place] for place in places]
    values, unit = layer.values[places], sensor.unit
    if complex_values:
        values, unit = 20 * np.log10(np.abs(values).clip(1e-6)), "dB of the amplitude"
    if pair:
        names.append(f"{pair[0]} − {pair[1]}")
        values = np.stack([*values, values[0] - values[1]])
    return names, values, unit


def colours_of(bands: tuple[str, ...]) -> list[int]:
    """The places of the red, green and blue band; the first alone where they are not known."""
    for names in COLOURS:
        if set(names) <= set(bands):
            return [bands.index(name) for name in names]
    return [0]
