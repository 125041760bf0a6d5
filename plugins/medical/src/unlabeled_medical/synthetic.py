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
    masks/ and masks.csv (item, mask, group): label maps of the head (1) and the nuclei (2);
    labels-segmentation.csv: those of the first 3 patients, each of whom is a group.
    """
    rng = np.random.default_rng(seed)
    rows: list[dict[str, str]] = []
    (path / "masks").mkdir(parents=True, exist_ok=True)
    for index in range(count):
        kind, site = KINDS[index % len(KINDS)], index // len(KINDS) % SITES
        values, labels = _head(kind, site, rng)
        affine = np.diag([(-2.0, 2.0, 2.0)[site], (2.0, -2.0, 2.0)[site], 2.0, 1.0])
        name = f"patient{index // 2:03d}_{index % 2}.nii.gz"
        for file, each in ((path / name, values), (path / "masks" / name, labels)):
            nibabel.save(nibabel.Nifti1Image(each, affine), file)  # type: ignore[no-untyped-call]
        row = {"item": name, "label": kind, "group": f"scanner{site}", "mask": f"masks/{name}"}
        rows.append(row | {"volume_mm3": f"{(labels == 2).sum() * 8:.0f}"})
    _write(path / "labels.csv", ["item", "label", "group", "volume_mm3"], rows)
    _write(path / "masks.csv", ["item", "mask", "group"], rows)
    _write(path / "labels-segmentation.csv", ["item", "mask"], rows[:6])


def _write(path: Path, names: list[str], rows: list[dict[str, str]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, names, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


def _head(kind: str, site: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Values, and where there is the head (1) and where the nuclei (2)."""
    shape = rng.integers(18, 24, 3)
    axes = [np.linspace(-1, 1, n) for n in shape]
    place = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    head = (np.square(place / rng.uniform(0.75, 0.9, 3)).sum(axis=-1) < 1) * 1.0
    centres = np.array([[-0.35, 0.0, 0.0], [0.35, 0.0, 0.0]])[: 1 if "one" in kind else 2]
    nuclei = np.zeros(tuple(shape), dtype=bool)
    for centre in centres + rng.uniform(-0.1, 0.1, (len(centres), 3)):
        nuclei |= np.square(place - centre).sum(axis=-1) < rng.uniform(0.2, 0.3) ** 2
    labels = np.where(nuclei, 2, head).astype(np.uint8)
    head[nuclei] = 1.8 if "bright" in kind else 0.3
    head += rng.normal(0, (0.03, 0.06, 0.1)[site], tuple(shape))
    values = (head * (100, 3000, 1e6)[site]).astype(np.float32)
    return values, labels
