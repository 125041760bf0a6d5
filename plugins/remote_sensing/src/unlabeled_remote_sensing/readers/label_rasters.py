"""Masks on the pixels of a sample: the one way from a raster of classes to its sample's grid."""

from __future__ import annotations

import numpy as np
from rasterio.enums import Resampling
from rasterio.transform import Affine
from rasterio.windows import Window

from unlabeled.errors import UnreadableItem
from unlabeled_remote_sensing.raster import Layer, MaskRaster, Raster
from unlabeled_remote_sensing.readers.bands import Part
from unlabeled_remote_sensing.readers.files import open_raster
from unlabeled_remote_sensing.readers.grids import Grid, crs_of
from unlabeled_remote_sensing.readers.windows import stored_values


def read_label_raster(path: str, like: Raster) -> MaskRaster:
    """The first band of a raster of class numbers on the pixels of `like`, whole or a window.

    A mask on another grid gives each pixel its nearest value; what it does not cover, or has as
    nodata, is unknown. Raises UnreadableItem, also where the mask covers no pixel.
    """
    opened = open_raster(path)
    part = Part(path, (1,), ())
    height, width = like.shape
    wanted = Grid(height, width, like.transform, like.crs or "")
    window = _window(opened.grid, wanted)
    grid = wanted if window is None else opened.grid
    stored, valid = stored_values(
        opened,
        part,
        [opened.nodata[0]],
        grid,
        Window(0, 0, width, height) if window is None else window,
        Resampling.nearest,
        exact=False,
    )
    known = np.ones(like.shape, bool) if valid is None else valid
    if not known.any():
        raise UnreadableItem(path, "a mask that covers its scene", "no pixel of it with data")
    values = np.where(known, stored[0], 0)
    if not np.array_equal(values, np.rint(values)):
        raise UnreadableItem(path, "whole class numbers in a mask", "fractions")
    layer = Layer(values[None].astype(np.float32), known)
    return MaskRaster({"mask": layer}, like.transform, like.crs, like.metres_per_pixel)


def _window(mask: Grid, wanted: Grid) -> Window | None:
    """Where the wanted pixels lie among those of the mask, if they are pixels of it."""
    if crs_of(mask.crs) != crs_of(wanted.crs):
        return None
    moved = ~Affine(*mask.transform) @ Affine(*wanted.transform)
    row, column = round(moved.f), round(moved.c)
    exact = np.allclose(moved[:6], (1, 0, column, 0, 1, row), rtol=0, atol=1e-3)
    inside = 0 <= row <= mask.height - wanted.height and 0 <= column <= mask.width - wanted.width
    return Window(column, row, wanted.width, wanted.height) if exact and inside else None
