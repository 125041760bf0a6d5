"""The calibration in the metadata of a Sentinel-2 product.

    reflectance = (stored + offset) / quantification

The offset is there since processing baseline 04.00 (25 January 2022), -1000 in every band so far.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element

from unlabeled.errors import UnreadableItem
from unlabeled_remote_sensing.readers.xml import local_name, read_xml
from unlabeled_remote_sensing.sensors import SENTINEL2_L1C, SENTINEL2_L2A

BANDS: Mapping[str, tuple[str, ...]] = {"L1C": SENTINEL2_L1C.bands, "L2A": SENTINEL2_L2A.bands}
"""Of each level; the metadata number those of L1C from 0."""
WITH_OFFSET = range(400, 9999)
"""Baselines; 99.99 is what processors outside of ESA write, which may be anything."""


@dataclass(frozen=True, slots=True)
class Radiometry:
    """offsets: by band; guessed: whether they come from the baseline, because metadata are
    missing."""

    nodata: float
    quantification: float
    offsets: Mapping[str, float]
    guessed: bool


def read_radiometry(product: Path, level: str, baseline: int) -> Radiometry:
    """From MTD_MSIL1C.xml or MTD_MSIL2A.xml. Raises UnreadableItem for what is no such XML."""
    path = product / f"MTD_MSI{level}.xml"
    elements = list(read_xml(path).iter()) if path.exists() else []
    stated = [_number(path, each) for each in _named(elements, "QUANTIFICATION_VALUE", level)]
    offsets = {
        _band(path, each): _number(path, each) for each in _named(elements, "ADD_OFFSET", level)
    }
    if stated and stated[0] <= 0:
        raise UnreadableItem(str(path), "a quantification value above 0", f"{stated[0]:g}")
    guessed = not offsets and (baseline in WITH_OFFSET or not stated)
    if not offsets and baseline in WITH_OFFSET:
        offsets = dict.fromkeys(BANDS["L1C"], -1000.0)
    return Radiometry(_nodata(path, elements), (stated or [10_000.0])[0], offsets, guessed)


def _named(elements: list[Element], name: str, level: str) -> Iterator[Element]:
    """Those of reflectance: L2A also quantifies aerosols and water vapour."""
    kinds = {"L1C": ("", "RADIO_"), "L2A": ("BOA_", "L2A_BOA_")}[level]
    wanted = {f"{kind}{name}" for kind in kinds}
    return (each for each in elements if local_name(each) in wanted)


def _nodata(path: Path, elements: list[Element]) -> float:
    for each in elements:
        if local_name(each) == "Special_Values":
            found = {local_name(child): child for child in each}
            text = found.get("SPECIAL_VALUE_TEXT")
            if text is not None and (text.text or "").strip().upper() == "NODATA":
                return _number(path, found.get("SPECIAL_VALUE_INDEX", text))
    return 0.0


def _band(path: Path, element: Element) -> str:
    number = element.get("band_id", "")
    if not number.isdecimal() or int(number) >= len(BANDS["L1C"]):
        raise UnreadableItem(str(path), "a band_id from 0 to 12", repr(number))
    return BANDS["L1C"][int(number)]


def _number(path: Path, element: Element) -> float:
    text = (element.text or "").strip()
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UnreadableItem(str(path), f"a number in {local_name(element)}", repr(text))
    return value
