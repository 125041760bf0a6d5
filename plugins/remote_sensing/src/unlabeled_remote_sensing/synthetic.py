"""Small seeded scenes with known structure, for tests, the conformance kit and examples."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import rasterio
from rasterio.transform import Affine

from unlabeled_remote_sensing.sensors import SENTINEL2_L2A

SIZE = 48
PATTERNS = ("stripes", "checks", "blobs", "cross")
WATER_DB, LAND_DB = np.array([-19.0, -26.0]), np.array([-9.0, -15.0])
WATER = np.array([700, 650, 600, 450, 350, 300, 280, 250, 220, 200, 120, 80.0])
LAND = np.array([600, 700, 900, 1000, 1500, 2400, 2900, 3000, 3100, 3100, 2200, 1400.0])


GROUPS = {"pattern": "{region}_{scene}_{sensor}.tif", "group": "region"}
"""Settings by which the reader finds the region in a file's name."""


def write_pairs(path: Path, *, count: int, seed: int) -> dict[str, str]:
    """`count` pairs NAME_S1.tif (VV, VH in dB) and NAME_S2.tif (12 bands), 48 px of 10 m.

    Water lies on land in one of four patterns, which both sensors see; its share, the contrast,
    the haze and radar's speckle vary. Four tiles, one of each pattern, are of one region, which
    the file's name gives. labels.csv: item, pattern, water (the share). masks.csv: item, mask:
    where the water is (1), in masks/. Returns `GROUPS`.
    """
    rng = np.random.default_rng(seed)
    (path / "masks").mkdir(parents=True, exist_ok=True)
    rows, masks = ["item,pattern,water"], ["item,mask"]
    for number in range(count):
        pattern = PATTERNS[number % len(PATTERNS)]
        water = _pattern(pattern, rng)
        name = f"region{number // len(PATTERNS)}_tile{number:03d}"
        place = Affine(10.0, 0.0, 500_000.0 + 480 * number, 0.0, -10.0, 5_400_000.0)
        _write(path / f"{name}_S1.tif", _radar(water, rng), ("VV", "VH"), place)
        _write(path / f"{name}_S2.tif", _optical(water, rng), SENTINEL2_L2A.bands, place)
        _write(path / f"masks/{name}.tif", water[None].astype(np.uint8), ("water",), place)
        rows.append(f"{name},{pattern},{water.mean():.4f}")
        masks.append(f"{name},masks/{name}.tif")
    for name in ("masks.csv", "labels-segmentation.csv"):  # the latter for the kit
        (path / name).write_text("\n".join(masks) + "\n", encoding="utf-8")
    (path / "labels.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    classes = [row.rsplit(",", 1)[0] for row in rows]
    (path / "labels-sizes.csv").write_text("\n".join(classes) + "\n", encoding="utf-8")
    return GROUPS


def write_speckled(path: Path, *, count: int, seed: int) -> None:
    """`count` single-look complex images NAME.tif, 64 px, and truth/NAME.tiff, their reflectivity.

    Reflectivity is constant in fields that differ by up to 15 dB; speckle is circular Gaussian and
    white. labels.csv: item, reflectivity (the mean), truth (the file). masks.csv: item, mask: where
    it is above the median (1), in truth/ too.
    """
    rng = np.random.default_rng(seed)
    (path / "truth").mkdir(parents=True, exist_ok=True)
    rows, masks = ["item,reflectivity,truth"], ["item,mask"]
    for number in range(count):
        reflectivity = fields(rng, 64)
        name = f"scene{number:03d}"
        place = Affine(5.0, 0.0, 500_000.0 + 320 * number, 0.0, -5.0, 5_400_000.0)
        _write(path / f"{name}.tif", speckled(reflectivity, rng)[None], ("amplitude",), place)
        truth = reflectivity[None].astype(np.float32)
        _write(path / f"truth/{name}.tiff", truth, ("reflectivity",), place)
        bright = (reflectivity > np.median(reflectivity))[None].astype(np.uint8)
        _write(path / f"truth/{name}.bright.tiff", bright, ("bright",), place)
        rows.append(f"{name},{reflectivity.mean():.4f},truth/{name}.tiff")
        masks.append(f"{name},truth/{name}.bright.tiff")
    (path / "masks.csv").write_text("\n".join(masks) + "\n", encoding="utf-8")
    (path / "labels.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")


def fields(rng: np.random.Generator, size: int) -> np.ndarray:
    """Reflectivity (size, size): straight-edged fields, 10 to 320."""
    row, column = np.mgrid[:size, :size] / size
    decibels = np.zeros((size, size))
    for _ in range(6):
        angle, offset = rng.uniform(0, 2 * np.pi), rng.uniform(0.2, 0.8)
        side = np.cos(angle) * (row - offset) + np.sin(angle) * (column - offset) > 0
        decibels += side * rng.uniform(-4, 4)
    ranged = (decibels - decibels.min()) / max(np.ptp(decibels), 1e-9)
    return np.asarray(10 ** (1 + 1.5 * ranged))


def speckled(reflectivity: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Fully developed single-look speckle (H, W): real and imaginary parts N(0, reflectivity /
    2)."""
    parts = rng.normal(size=(2, *reflectivity.shape))
    return np.asarray((parts[0] + 1j * parts[1]) * np.sqrt(reflectivity / 2), dtype=np.complex64)


def _pattern(name: str, rng: np.random.Generator) -> np.ndarray:
    """(SIZE, SIZE) bool, True is water; phase, period and direction are random."""
    row, column = np.mgrid[:SIZE, :SIZE]
    period, phase = rng.uniform(10, 18), rng.uniform(0, 2 * np.pi, 2)
    level = rng.uniform(-0.3, 0.5)
    waves = [np.sin(2 * np.pi * x / period + p) for x, p in zip((row, column), phase, strict=True)]
    if name == "stripes":
        return np.asarray(waves[int(rng.integers(2))] > level)
    if name == "checks":
        return np.asarray(waves[0] * waves[1] > level / 2)
    if name == "blobs":
        return np.asarray(waves[0] + waves[1] > 1 + level)
    return np.asarray(np.maximum(waves[0], waves[1]) > 0.5 + level / 2)


def _radar(water: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    clean = np.where(water, WATER_DB[:, None, None], LAND_DB[:, None, None])
    looks = 5
    noise = 10 * np.log10(rng.gamma(looks, 1 / looks, clean.shape))
    return np.asarray(clean + rng.normal(0, 1.5) + noise, dtype=np.float32)


def _optical(water: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    clean = np.where(water, WATER[:, None, None], LAND[:, None, None])
    haze = rng.uniform(0, 800) * np.linspace(1, 0.2, len(LAND))[:, None, None]
    values = clean * rng.uniform(0.7, 1.3) + haze + rng.normal(0, 120, clean.shape)
    return np.asarray(np.clip(np.rint(values), 1, 10_000), dtype=np.uint16)


def _write(path: Path, values: np.ndarray, names: tuple[str, ...], place: Affine) -> None:
    count, height, width = values.shape
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        count=count,
        height=height,
        width=width,
        dtype=values.dtype,
        crs="EPSG:32633",
        transform=place,
    ) as target:
        target.write(values)
        target.descriptions = names
