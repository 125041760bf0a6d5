"""Declarations of sensors: bands by name, units, scale, nodata and statistics.

Statistics of Sentinel-1 and Sentinel-2 are those of SSL4EO-S12 (Wang et al. 2023,
arXiv:2211.07044): Sentinel-1 in dB, Sentinel-2 as reflectance × 10,000.
"""

from __future__ import annotations

from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from unlabeled.settings import Settings


class PixelMask(Settings):
    """A band of classes or bits that marks pixels to leave out, such as clouds.

    The defaults are those of the scene classification of Sentinel-2: no data, defects, shadows of
    clouds, clouds and cirrus.
    """

    band: str = Field("SCL", description="its name in the file, or in the file's name")
    values: tuple[int, ...] = Field((0, 1, 3, 8, 9, 10), description="values to leave out")
    bits: tuple[int, ...] = Field(
        (), description="leave out where one of these is set; 0 is lowest"
    )

    def leaves_out(self, stored: np.ndarray) -> np.ndarray:
        """stored: the band's integers, any shape. True where a pixel is not to be used."""
        found = np.isin(stored, self.values)
        flags = sum(1 << bit for bit in set(self.bits))
        return np.asarray(found | ((stored & flags) != 0))


class Sensor(Settings):
    """One sensor's declaration. Values are read as `stored · scale + offset`, in `unit`."""

    bands: tuple[str, ...] = Field(min_length=1, description="names, in the order encoders see")
    unit: str = Field("", description='unit of the values: "dB", "reflectance x 10000" …')
    scale: float | None = Field(None, description="multiplies stored values; unset: as the file")
    offset: float | None = Field(None, description="added after scaling; unset: as the file says")
    nodata: float | None = Field(None, description="stored value without data; unset: as the file")
    mask: PixelMask | None = Field(
        None, description="the band that marks pixels to leave out, such as clouds"
    )
    level: Literal["L1C", "L2A"] | None = Field(
        None, description="of Sentinel-2 products (.SAFE) to read; unset: the only one there is"
    )
    resolution: float | None = Field(None, gt=0, description="native size of a pixel, in m")
    mean: tuple[float, ...] | None = Field(None, description="of each band, in `unit`")
    std: tuple[float, ...] | None = Field(None, description="of each band, in `unit`")
    plausible: tuple[float, float] | None = Field(
        None, description="a window whose median is outside is in another unit, and refused"
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len(set(map(band_key, self.bands))) != len(self.bands):
            raise ValueError(f"a band stands twice in {self.bands}")
        if self.mask and band_key(self.mask.band) in map(band_key, self.bands):
            raise ValueError(f"{self.mask.band} is a mask and a band; encoders should see one only")
        for name in ("mean", "std"):
            values = getattr(self, name)
            if values is not None and len(values) != len(self.bands):
                raise ValueError(f"{name} has {len(values)} values for {len(self.bands)} bands")
        if self.std is not None and min(self.std) <= 0:
            raise ValueError(f"std must be above 0, found {self.std}")
        return self

    def has(self, band: str) -> bool:
        """Whether a band, in any spelling, is one of this sensor's or its mask."""
        names = (*self.bands, self.mask.band) if self.mask else self.bands
        return band_key(band) in map(band_key, names)


def band_key(name: str) -> str:
    """A band's name for comparisons: upper case, "B1" and "B01" alike."""
    key = name.strip().upper()
    return f"B0{key[1:]}" if len(key) == 2 and key[0] == "B" and key[1].isdigit() else key


SENTINEL1 = Sensor(
    bands=("VV", "VH"),
    unit="dB",
    resolution=10.0,
    mean=(-12.548, -20.192),
    std=(5.257, 5.912),
    plausible=(-60.0, 0.0),
)

SENTINEL2_L2A = Sensor(
    bands=("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B11", "B12"),
    unit="reflectance x 10000",
    level="L2A",
    resolution=10.0,
    mean=(
        *(752.4, 884.3, 1144.2, 1297.5, 1624.9, 2194.6),
        *(2422.2, 2517.8, 2581.6, 2645.5, 2368.5, 1805.1),
    ),
    std=(
        *(1108.0, 1155.2, 1183.6, 1368.1, 1370.3, 1355.6),
        *(1416.5, 1474.8, 1439.3, 1582.3, 1455.5, 1343.5),
    ),
    plausible=(2.0, 30_000.0),
)

SENTINEL2_L1C = Sensor(
    bands=(
        *("B01", "B02", "B03", "B04", "B05", "B06", "B07"),
        *("B08", "B8A", "B09", "B10", "B11", "B12"),
    ),
    unit="reflectance x 10000",
    level="L1C",
    resolution=10.0,
    mean=(
        *(1605.6, 1390.8, 1314.9, 1363.5, 1549.4, 2091.7, 2371.7),
        *(2299.9, 2560.3, 830.1, 22.1, 2177.1, 1524.1),
    ),
    std=(
        *(786.8, 850.3, 875.1, 1138.8, 1122.2, 1161.6, 1274.4),
        *(1248.4, 1345.5, 577.3, 51.2, 1336.1, 1136.5),
    ),
    plausible=(2.0, 30_000.0),
)

KNOWN = {
    "sentinel1": SENTINEL1,
    "sentinel2_l2a": SENTINEL2_L2A,
    "sentinel2_l1c": SENTINEL2_L1C,
}
"""Sensors that a recipe may name instead of declaring them."""
