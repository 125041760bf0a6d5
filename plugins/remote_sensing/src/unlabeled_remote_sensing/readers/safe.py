"""Sentinel-2 products as they are delivered: folders called S2A_MSIL2A_….SAFE, of L1C or L2A.

Products are read as products whatever the pattern says: each band at its best resolution, 0 (or
what the metadata say) is no data, values by the product's own quantification and radiometric
offset, so that products of before and after baseline 04.00 may be mixed. A product is an
acquisition of its tile; its id tells tile, orbit and date. Source: Sentinel-2 Products
Specification Document, ESA, issue 14.9.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from unlabeled.errors import DataError, UnreadableItem
from unlabeled_remote_sensing.readers.bands import Calibration
from unlabeled_remote_sensing.readers.dates import parse_date
from unlabeled_remote_sensing.readers.names import OTHER_BAND, Account
from unlabeled_remote_sensing.readers.pairing import Found
from unlabeled_remote_sensing.readers.radiometry import BANDS, Radiometry, read_radiometry
from unlabeled_remote_sensing.sensors import Sensor, band_key

PRODUCT = re.compile(
    r"S2[A-Z]_MSI(?P<level>L1C|L2A)_(?P<date>\d{8}T\d{6})_N(?P<baseline>\d{4})_"
    r"(?P<orbit>R\d{3})_(?P<tile>T\w{5})_(?P<made>\w+?)(\.SAFE)?(?P<packed>\.zip)?",
    re.IGNORECASE,
)
IMAGE = re.compile(
    r"GRANULE/[^/]+/IMG_DATA/(?:R\d\dm/)?[^/]+_(?P<band>B\d[\dA]|[A-Z]{3})(?:_(?P<res>\d\d)m)?\.jp2",
    re.IGNORECASE,
)
PACKED = "of packed Sentinel-2 products; unpack them first"
NOT_TAKEN = "of Sentinel-2 products that no declared sensor takes"
OLDER = "of Sentinel-2 products that were processed again later"
BESIDE = "that accompany the images of Sentinel-2 products"


@dataclass(slots=True)
class Product:
    """root: the product's folder, below the data folder; names: of its files, below `root`."""

    root: str
    level: str
    date: datetime
    baseline: int
    orbit: str
    tile: str
    made: str
    names: list[str] = field(default_factory=list)


def split_products(names: Sequence[str], account: Account) -> tuple[list[Product], list[str]]:
    """The products among all files, and the files that are in none; packed ones are counted."""
    products: dict[str, Product] = {}
    rest = []
    for name in names:
        root, found = _root(name)
        if found is None:
            rest.append(name)
        elif found["packed"]:
            account.leave_out(PACKED, ".zip")
        else:
            product = products.setdefault(root, _product(root, found))
            product.names.append(name[len(root) + 1 :])
    return list(products.values()), rest


def is_packed(name: str) -> bool:
    """Whether a file is a zipped product."""
    _, found = _root(name)
    return found is not None and bool(found["packed"])


def find_images(
    folder: Path, products: Sequence[Product], sensors: Mapping[str, Sensor], account: Account
) -> tuple[list[Found], list[str]]:
    """The images of all products that some sensor takes, and notes; the rest is accounted for.

    Raises DataError if it is not said which level a sensor takes.
    """
    taken = {name: _level(name, sensor, products) for name, sensor in sensors.items()}
    found, guessed = [], 0
    for product in _latest(products, account):
        takers = [name for name, level in taken.items() if level == product.level]
        if not takers:
            account.leave_out(NOT_TAKEN, product.level, len(product.names))
            continue
        try:
            radiometry = read_radiometry(folder / product.root, product.level, product.baseline)
        except UnreadableItem as error:
            account.quarantine(error)
            continue
        guessed += radiometry.guessed
        found += _images(product, takers, sensors, radiometry, account)
    note = (
        f"{guessed} Sentinel-2 products say no radiometric offset; that of their baseline is used"
    )
    return found, [note] * bool(guessed)


def _root(name: str) -> tuple[str, re.Match[str] | None]:
    """The first product on the way, a folder or a packed one, and what its name says."""
    parts = name.split("/")
    for place, part in enumerate(parts):
        match = PRODUCT.fullmatch(part)
        if match and (place < len(parts) - 1 or match["packed"]):
            return "/".join(parts[: place + 1]), match
    return "", None


def _product(root: str, match: re.Match[str]) -> Product:
    return Product(
        root,
        match["level"].upper(),
        parse_date(match["date"]),
        int(match["baseline"]),
        match["orbit"].upper(),
        match["tile"].upper(),
        match["made"],
    )


def _level(name: str, sensor: Sensor, products: Sequence[Product]) -> str | None:
    """Which products are this sensor's: those of its level, or of the only one there is."""
    bands = set(map(band_key, sensor.bands))
    there = {one.level for one in products if bands <= set(BANDS[one.level])}
    if sensor.level:
        return sensor.level
    if len(there) < 2:
        return next(iter(there), None)
    raise DataError(
        f"reader.sensors.{name}.level: the folder holds Sentinel-2 products of L1C and L2A; "
        "say which of them are this sensor's"
    )


def _latest(products: Sequence[Product], account: Account) -> list[Product]:
    """One product per acquisition: the one of the highest baseline, made last."""
    same: dict[tuple[object, ...], list[Product]] = defaultdict(list)
    for one in products:
        same[one.level, one.tile, one.orbit, one.date].append(one)
    latest = []
    for versions in same.values():
        *older, last = sorted(versions, key=lambda one: (one.baseline, one.made, one.root))
        latest.append(last)
        for one in older:
            account.leave_out(OLDER, one.level, len(one.names))
    return latest


def _images(
    product: Product,
    takers: Sequence[str],
    sensors: Mapping[str, Sensor],
    radiometry: Radiometry,
    account: Account,
) -> list[Found]:
    found = []
    for name in product.names:
        image = IMAGE.fullmatch(name)
        if image is None:
            account.leave_out(BESIDE)
            continue
        band = band_key(image["band"])
        users = [sensor for sensor in takers if sensors[sensor].has(band)]
        if not users:
            account.leave_out(OTHER_BAND, band)
        found += [
            Found(
                f"{product.root}/{name}",
                product.tile,
                user,
                band,
                product.date,
                float(image["res"]) if image["res"] else None,
                {"orbit": product.orbit, "baseline": f"{product.baseline:04d}"},
                f"{product.tile}_{product.orbit}",
                _calibration(radiometry, band, sensors[user]),
            )
            for user in users
        ]
    return found


def _calibration(radiometry: Radiometry, band: str, sensor: Sensor) -> Calibration | None:
    """To the sensor's unit: reflectance, or reflectance x 10000; None for classes and masks."""
    if band not in BANDS["L1C"]:
        return None
    one = 1.0 if sensor.unit == "reflectance" else 10_000.0
    scale = one / radiometry.quantification
    return Calibration(radiometry.nodata, scale, scale * radiometry.offsets.get(band, 0.0))
