"""The labelled sets of the grid, two per domain: `data/` as a user has it, and `labels.csv` beside.

All of them are sets to choose on (recipes were tuned on some of them before); what is chosen here
has to be judged on others.
"""

from __future__ import annotations

import csv
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import soundfile
from PIL import Image
from rasterio.transform import Affine

from unlabeled_audio.readers.clips import Clips

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "grid"
Row = Sequence[Any]


@dataclass(frozen=True)
class LabelledSet:
    """source: below UNLABELED_DATA; prepare(source, folder): writes data/ and labels.csv; own: what
    the set changes in every recipe (`two_views`, `masked`: in those only); flags: of `evaluate`;
    groups: what a resample draws."""

    domain: str
    source: str
    prepare: Callable[[Path, Path], None]
    groups: str
    own: dict[str, Any] = field(default_factory=dict)
    two_views: dict[str, Any] = field(default_factory=dict)
    masked: dict[str, Any] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    baselines: tuple[str, ...] = ()

    def folder(self, name: str) -> Path:
        """Prepared when it is not there yet."""
        folder = CACHE / "sets" / name
        if not folder.exists():
            if "UNLABELED_DATA" not in os.environ:
                sys.exit(f"UNLABELED_DATA is not set: it names the folder that holds {self.source}")
            partial = folder.with_name(f"{name}.partial")
            shutil.rmtree(partial, ignore_errors=True)
            (partial / "data").mkdir(parents=True)
            self.prepare(Path(os.environ["UNLABELED_DATA"]) / self.source, partial)
            partial.rename(folder)
        return folder


def write_labels(folder: Path, header: Row, rows: Iterable[Row]) -> None:
    with (folder / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def sounds(source: Path, folder: Path, label: str, group: str) -> None:
    """16 kHz FLAC, so that decoding costs every method the same little."""
    rows, reader = [], Clips(sample_rate=16_000)
    for row in table(source / "labels.csv"):
        name = f"{Path(row['path']).stem}.flac"
        clip = reader.read(reader.index(source / row["path"])[0])
        soundfile.write(folder / "data" / name, clip.values[0].numpy(), 16_000)
        rows.append([name, row[label], row[group]])
    write_labels(folder, ["item", label, "group"], rows)


def fsdd(source: Path, folder: Path) -> None:
    sounds(source, folder, "digit", "speaker")


def esc10(source: Path, folder: Path) -> None:
    sounds(source, folder, "label_name", "source_clip_id")


def bbbp(source: Path, folder: Path) -> None:
    rows = table(source / "bbbp.csv")
    with (folder / "data" / "bbbp.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["smiles"], *([row["smiles"]] for row in rows)])
    labels = [[f"bbbp.csv#{line}", row["p_np"]] for line, row in enumerate(rows, start=2)]
    write_labels(folder, ["item", "p_np"], labels)


def proteins(source: Path, folder: Path) -> None:
    """A folder of the TU collection."""
    stored = np.load(source / "proteins.npz", allow_pickle=False)
    sizes, counts = stored["num_nodes"].astype(int), stored["num_edges"].astype(int)
    shift = np.repeat(np.cumsum(sizes) - sizes, counts) + 1
    ends = np.stack([stored["edge_u"].astype(int) + shift, stored["edge_v"].astype(int) + shift])
    both = np.concatenate([ends, ends[::-1][:, ends[0] != ends[1]]], axis=1)
    lines = {
        "A": [f"{a}, {b}" for a, b in both.T.tolist()],
        "graph_indicator": np.repeat(np.arange(1, len(sizes) + 1), sizes).tolist(),
        "node_labels": stored["node_label"].tolist(),
    }
    for what, values in lines.items():
        text = "\n".join(map(str, values)) + "\n"
        (folder / "data" / f"proteins_{what}.txt").write_text(text)
    labels = [[f"proteins#{place}", label] for place, label in enumerate(stored["y"], start=1)]
    write_labels(folder, ["item", "enzyme"], labels)


def mednist(source: Path, folder: Path) -> None:
    stored = np.load(source / "mednist_64.npz", allow_pickle=False)
    names = stored["class_names"]
    pictures(folder, stored["image"], [names[label] for label in stored["label"]], stored["split"])


def pneumonia(source: Path, folder: Path) -> None:
    stored = np.load(source / "pneumoniamnist_28.npz", allow_pickle=False)
    parts = ("train", "val", "test")
    images = np.concatenate([stored[f"{part}_images"] for part in parts])
    labels = np.concatenate([stored[f"{part}_labels"] for part in parts]).ravel()
    split = np.repeat(parts, [len(stored[f"{part}_images"]) for part in parts])
    pictures(folder, images, np.where(labels, "pneumonia", "normal"), split)


def pictures(folder: Path, images: np.ndarray, labels: Row, split: Row) -> None:
    rows = []
    for number, (pixels, label, part) in enumerate(zip(images, labels, split, strict=True)):
        name = f"p{number:05d}x.png"  # so that every image is a patient of its own
        Image.fromarray(pixels).save(folder / "data" / name)
        rows.append([name, label, part])
    write_labels(folder, ["item", "finding", "split"], rows)


def ombria(source: Path, folder: Path) -> None:
    """Radar and optical bands, before and after, in one raster; flooded: over a quarter of it."""
    stored = np.load(source / "ombria_64.npz", allow_pickle=False)
    bands = np.concatenate([stored["s1"], stored["s2"]], axis=1)
    names = [f"s1_{when}" for when in ("before", "after")]
    names += [f"s2_{band}_{when}" for when in ("before", "after") for band in "abc"]
    flooded = (stored["mask"].mean(axis=(1, 2)) > 0.25).astype(int)
    scenes(folder, bands, names, flooded, "flooded", stored["tile"], stored["split"])


def places(source: Path, folder: Path) -> None:
    stored = np.load(source / "tiles.npz", allow_pickle=False)
    names = [str(stored["classes"][label]) for label in stored["label"]]
    every = np.arange(len(names))
    bands = ("blue", "green", "red", "nir")
    scenes(folder, stored["image"], bands, names, "place", every, stored["split"])


def scenes(
    folder: Path, values: np.ndarray, bands: Row, labels: Row, label: str, groups: Row, split: Row
) -> None:
    rows = []
    for number, pixels in enumerate(values):
        name = f"t{number:04d}"
        place = Affine(10.0, 0.0, 200_000.0 + 640 * number, 0.0, -10.0, 5_000_000.0)
        options = {"driver": "GTiff", "crs": "EPSG:32633", "transform": place}
        size = {"count": len(pixels), "height": pixels.shape[1], "width": pixels.shape[2]}
        file = folder / "data" / f"{name}.tif"
        with rasterio.open(file, "w", dtype=pixels.dtype, **size, **options) as raster:
            raster.write(pixels)
            raster.descriptions = tuple(bands)
        rows.append([name, labels[number], groups[number], split[number]])
    write_labels(folder, ["item", label, "group", "split"], rows)


AUC = ("--evaluation.probe.name", "logistic", "--evaluation.probe.metric", "roc_auc")
MOLECULES = {"reader": {"name": "graph/molecules"}}
SETS = {
    "fsdd": LabelledSet(
        "audio", "audio/fsdd", fsdd, "6 speakers", flags=("--evaluation.folds", "6")
    ),
    "esc10": LabelledSet("audio", "audio/esc10", esc10, "recordings"),
    "bbbp": LabelledSet(
        "graph",
        "graph/mol_bbbp",
        bbbp,
        "scaffolds",
        own=MOLECULES,
        flags=AUC,
        baselines=("graph/atom_counts", "graph/ecfp4"),
    ),
    "proteins": LabelledSet(
        "graph",
        "graph/tu_proteins",
        proteins,
        "proteins",
        own={"reader": {"name": "graph/tu"}},
        flags=("--evaluation.folds", "10"),
        baselines=("graph/degrees",),
    ),
    "mednist": LabelledSet(
        "medical",
        "medical/mednist_64",
        mednist,
        "images (patients are unknown)",
        two_views={"size": 40},
        masked={"encoder": {"patch": 8}},
    ),
    "pneumonia": LabelledSet("medical", "medical/pneumonia_mnist", pneumonia, "images", flags=AUC),
    "ombria": LabelledSet(
        "remote_sensing", "remote_sensing/ombria_s1s2_flood", ombria, "tiles", flags=AUC
    ),
    "places": LabelledSet("remote_sensing", "remote_sensing/scene_sites_s2", places, "tiles"),
}
