"""Checks for unusual scenes, in a few words each."""

from __future__ import annotations

import numpy as np

from unlabeled_remote_sensing.raster import Layer, Raster

MANY = 0.01
"""Share of the pixels that stand at one extreme in all bands at once; pictures have no such value,
fill that nobody declared has."""

HALF = 0.5


def check_data(raster: Raster) -> list[str]:
    """Short phrases, which name sensors; empty if nothing is unusual."""
    found = [] if raster.crs else ["no CRS"]
    for name, layer in raster.layers.items():
        found += [f"{name}: {phrase}" for phrase in _of(name, layer)]
    return found


def _of(name: str, layer: Layer) -> list[str]:
    values = np.abs(layer.values) if np.iscomplexobj(layer.values) else layer.values
    values = values[:, layer.valid]
    if not values.size:
        return ["no data at all"]
    found = ["less than half of the pixels have data"] if layer.valid.mean() < HALF else []
    lowest, highest = values.min(axis=1, keepdims=True), values.max(axis=1, keepdims=True)
    if values.shape[1] > 1 and (lowest == highest).any():
        return [*found, "a band that is the same everywhere"]
    declare = f"no data that is not declared, if so set reader.sensors.{name}.nodata"
    for word, extreme in (("lowest", lowest), ("highest", highest)):
        if (values == extreme).all(axis=0).mean() > MANY:
            found.append(f"many pixels at the {word} value of every band ({declare})")
    return found
