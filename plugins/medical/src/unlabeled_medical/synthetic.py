"""Seeded toy heads with known structure: an ellipsoid with one or two bright or dark nuclei."""

from __future__ import annotations

import csv
from pathlib import Path

import nibabel
import numpy as np

KINDS = ("one bright", "two bright", "one dark", "two dark")
SITES = 3


def write_heads(path: Path, *, count: int, seed: int) -> None:
    """Write `count` NIfTI volumes and `labels.csv` (item, label, group, volume_mm3) into `path`.

    About 20 voxels a side, 2 mm, in three voxel orders. The label is the kind of nuclei, and
    volume_mm3 their size; group is the scanner, which sets the unit of intensity and the noise.
    Place, size and tilt of the head vary within a label. Each two volumes are of one patient.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for index in range(count):
        kind, site = KINDS[index % len(KINDS)], index // len(KINDS) % SITES
        values, volume = _head(kind, site, rng)
        affine = np.diag([(-2.0, 2.0, 2.0)[site], (2.0, -2.0, 2.0)[site], 2.0, 1.0])
        name = f"patient{index // 2:03d}_{index % 2}.nii.gz"
        image = nibabel.Nifti1Image(values, affine)  # type: ignore[no-untyped-call]
        nibabel.save(image, path / name)
        rows.append(
            {"item": name, "label": kind, "group": f"scanner{site}", "volume_mm3": f"{volume:.0f}"}
        )
    with (path / "labels.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ["item", "label", "group", "volume_mm3"])
        writer.writeheader()
        writer.writerows(rows)


def _head(kind: str, site: int, rng: np.random.Generator) -> tuple[np.ndarray, float]:
    shape = rng.integers(18, 24, 3)
    axes = [np.linspace(-1, 1, n) for n in shape]
    place = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    head = (np.square(place / rng.uniform(0.75, 0.9, 3)).sum(axis=-1) < 1) * 1.0
    centres = np.array([[-0.35, 0.0, 0.0], [0.35, 0.0, 0.0]])[: 1 if "one" in kind else 2]
    nuclei = np.zeros(tuple(shape), dtype=bool)
    for centre in centres + rng.uniform(-0.1, 0.1, (len(centres), 3)):
        nuclei |= np.square(place - centre).sum(axis=-1) < rng.uniform(0.2, 0.3) ** 2
    head[nuclei] = 1.8 if "bright" in kind else 0.3
    head += rng.normal(0, (0.03, 0.06, 0.1)[site], tuple(shape))
    values = (head * (100, 3000, 1e6)[site]).astype(np.float32)
    return values, float(nuclei.sum() * 8)
