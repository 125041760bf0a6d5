"""Pretrain on slices of cardiac cine MRI; segment the left ventricle from few labelled slices.

run: UNLABELED_DATA=… make bench-cine   (or python cine.py --recipes multi_task --seeds 1)

UNLABELED_DATA names the folder that holds medical/sunnybrook_cine. Its 526 slices of 30 patients
are written once as PNG files below .cache/bench-cine; those of 20 patients go in by `unlabeled
pretrain`, without labels, and some of them are labelled, one each of 2 or 10 patients. Tested are
all slices of the other 10 patients; everything else is as in hippocampus.py. With --choose 5 of the
20 patients are tested.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import numpy as np
from hippocampus import CACHE, Experiment, run
from PIL import Image

from unlabeled_medical.assessments.dense_probe import Labelled
from unlabeled_medical.assessments.few_labels import Volumetric
from unlabeled_medical.readers.volumes import Volumes

RECIPES = ("multi_task",)
LABELLED = (2, 10)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipes", nargs="+", default=list(RECIPES))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--choose", action="store_true", help="on training patients alone")
    asked = parser.parse_args()
    run(cine(choose=asked.choose), asked.recipes, asked.seeds, keep=not asked.choose)


def cine(*, choose: bool) -> Experiment:
    if "UNLABELED_DATA" not in os.environ:
        sys.exit("UNLABELED_DATA is not set to the folder that holds medical/sunnybrook_cine")
    root = Path(os.environ["UNLABELED_DATA"]) / "medical" / "sunnybrook_cine"
    arrays = np.load(root / "train.npz", allow_pickle=False)
    patients = arrays["patient"]
    known = np.unique(patients)
    held_out = np.isin(patients, known[2::3])
    train = CACHE / "bench-cine" / "train"
    paths = write_slices(arrays["image"], patients, held_out, train)
    reader = Volumes()
    slices = [
        Labelled(reader.read(reader.index(path)[0]), mask.astype(np.int64))
        for path, mask in zip(paths, arrays["mask"], strict=True)
    ]
    tested = np.isin(patients, known[3::6]) if choose else held_out
    pools = [
        Volumetric([slices[row] for row in np.flatnonzero(part)], patients[part])
        for part in (~held_out & ~tested, tested)
    ]
    return Experiment("cine", train, *pools, 2, {"reader": {"patch": 64}}, LABELLED)


def write_slices(
    images: np.ndarray, patients: np.ndarray, held_out: np.ndarray, train: Path
) -> list[Path]:
    """A folder per patient; those held out are beside the folder that is pretrained on."""
    paths = []
    for number, patient in enumerate(patients.tolist()):
        folder = train.with_name("test") if held_out[number] else train
        path = folder / patient / f"{number:03d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            Image.fromarray(images[number]).save(path)
        paths.append(path)
    return paths


if __name__ == "__main__":
    main()
