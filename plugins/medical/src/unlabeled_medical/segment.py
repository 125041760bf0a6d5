"""What an encoder is worth for segmenting from few labelled volumes.

    python -m unlabeled_medical.segment runs/mine ~/labelled --labels masks.csv

The table has the columns `item` and `mask` (a label map's path relative to the table), and
optionally `group` (the patient) and `split` (train, test); without a split every second patient is
tested. For each number of labelled volumes a few draws of as many patients are made, the same for
all: a linear head on the frozen maps of the pretrained encoder, of random ones, on raw voxels, and
on raw voxels with their place in the volume; with --tuned-steps also the pretrained and a random
encoder, trained with their head. Scores are Dice and HD95 (mm), means over classes; intervals come
from a paired bootstrap over tested patients.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from unlabeled.atomic import write_json
from unlabeled.data.items import Items
from unlabeled.data.labels import Labels, read_labels
from unlabeled.errors import DataError, RunError, UnlabeledError
from unlabeled.evaluation.matching import Labelled as Rows
from unlabeled.evaluation.matching import match
from unlabeled.evaluation.random_encoders import random_encoder
from unlabeled.export.encoder import (
    load_encoder,
    load_reader,
    read_config,
    require_representation,
)
from unlabeled.inference.reading import Source
from unlabeled.randomness import keyed_rng
from unlabeled_medical.evaluators.few_labels import (
    Row,
    Volumetric,
    few_fits,
    probing,
    table_rows,
    tuning,
)
from unlabeled_medical.evaluators.segmentation import Labelled, frozen, neighbourhood, placed
from unlabeled_medical.readers.volumes import Volumes


def segment(
    run: Path | str,
    data: Path | str,
    labels: Path | str,
    *,
    labelled: Sequence[int] = (1, 2, 5, 10),
    draws: int = 3,
    random_encoders: int = 5,
    tuned_steps: int = 0,
) -> list[Row]:
    """Compare as this file's top says.

    run: with an encoder that has maps; labels: the table; tuned_steps: of training encoders
    together with their heads, 0 for not at all.
    Raises RunError, DataError, RecipeError and UnreadableItem.
    """
    config, reader = read_config(run), load_reader(run)
    require_representation(config, run)
    if not isinstance(reader, Volumes):
        raise RunError(f"{run}: segmentation needs the reader medical/volumes")
    source = Source(reader.index(Path(data)), reader)
    rows = match(_table(Path(labels)), source, Path(data))
    train, test = _parts(rows, source.items)
    masked, classes = _read(rows, source.items, reader, Path(labels).parent)
    groups = _patients(rows, source.items)
    pool = Volumetric([masked[row] for row in train], groups[train])
    tested = Volumetric([masked[row] for row in test], groups[test])

    untrained = [
        random_encoder(
            config.encoder,
            seed,
            source,
            rows.rows[train].tolist(),
            output=config.outputs[0].name,
            batch_size=config.provenance.batch_size,
        )
        for seed in range(random_encoders)
    ]
    pretrained = load_encoder(run)
    fittings = {
        "pretrained": [probing(frozen(pretrained))],
        f"{random_encoders} random encoders (mean)": [probing(frozen(e)) for e in untrained],
        "raw voxels": [probing(neighbourhood)],
        "raw voxels and place": [probing(placed(neighbourhood))],
    }
    if tuned_steps:
        fittings["fine-tuned"] = [tuning(pretrained, tuned_steps)]
        fittings["from scratch"] = [tuning(untrained[0], tuned_steps)]
    found = {
        name: [few_fits(fitting, pool, tested, classes, labelled, range(draws)) for fitting in each]
        for name, each in fittings.items()
    }
    return table_rows(found, tested.patients, labelled)


def _table(path: Path) -> Labels:
    labels = read_labels(path)
    if "mask" not in labels.table.column_names:
        found = ", ".join(labels.table.column_names)
        raise DataError(f"{path}: expected the columns item and mask, found {found}")
    return labels


def _patients(rows: Rows, items: Items) -> np.ndarray:
    """(N,) of the labels, or else of the index; an item without one is its own."""
    index = items.table.take(rows.rows)
    given = rows.table if "group" in rows.table.column_names else index
    pairs = zip(given["group"].to_pylist(), index["id"].to_pylist(), strict=True)
    return np.array([group or f"item {item}" for group, item in pairs])


def _parts(rows: Rows, items: Items) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the volumes to label and of those to test. Raises DataError."""
    patients = _patients(rows, items)
    if "split" in rows.table.column_names:
        split = np.array(rows.table["split"].to_pylist())
        train, test = (np.flatnonzero(split == name) for name in ("train", "test"))
    else:
        drawn = keyed_rng("tested").permutation(np.unique(patients))
        tested = np.isin(patients, drawn[::2])
        train, test = np.flatnonzero(~tested), np.flatnonzero(tested)
    if not len(train) or not len(test):
        raise DataError("the labels: expected volumes to label and others to test, found one part")
    if both := set(patients[train]) & set(patients[test]):
        raise DataError(f"the split of the labels has {len(both)} patients on both sides")
    return train, test


def _read(rows: Rows, items: Items, reader: Volumes, folder: Path) -> tuple[list[Labelled], int]:
    """All volumes with masks of class numbers, and how many classes there are."""
    volumes = [reader.read(items[int(row)]) for row in rows.rows]
    paths = [folder / str(name) for name in rows.table["mask"].to_pylist()]
    masks = [
        reader.read_target(items[int(row)], path, volume).values[0].numpy()
        for row, path, volume in zip(rows.rows, paths, volumes, strict=True)
    ]
    values = np.unique(np.concatenate([np.unique(mask) for mask in masks]))
    if len(values) < 2:
        raise DataError(f"{folder}: the masks hold one value, {values[0]:g}: nothing to segment")
    numbered = [np.searchsorted(values, mask) for mask in masks]
    pairs = zip(volumes, numbered, strict=True)
    return [Labelled(volume, mask) for volume, mask in pairs], len(values)


def markdown(rows: Sequence[Row]) -> str:
    """A table of them."""
    lines = ["| labelled | embedding | Dice | HD95, mm | better than (95 %) |", "|" + "---|" * 5]
    for row in rows:
        gaps = "; ".join(
            f"{gap.against} {gap.difference:+.3f} ({gap.low:+.3f} to {gap.high:+.3f})"
            for gap in row.gaps
        )
        distance = "" if row.hd95 is None else f"{row.hd95:.1f}"
        lines.append(f"| {row.labelled} | {row.name} | {row.dice:.3f} | {distance} | {gaps} |")
    return "\n".join(lines)


def main(words: Sequence[str] | None = None) -> None:
    """The command line; prints a table."""
    parser = argparse.ArgumentParser(prog="python -m unlabeled_medical.segment")
    parser.add_argument("run", type=Path, help="a run, or its encoder folder")
    parser.add_argument("data", type=Path, help="the folder of volumes")
    parser.add_argument("--labels", type=Path, required=True, help="table: item, mask …")
    parser.add_argument("--labelled", type=int, nargs="+", default=[1, 2, 5, 10])
    parser.add_argument("--draws", type=int, default=3, help="of the labelled volumes")
    parser.add_argument("--random-encoders", type=int, default=5)
    parser.add_argument("--tuned-steps", type=int, default=0, help="train encoders too: 100, say")
    parser.add_argument("--out", type=Path, help="also write the rows there, as JSON")
    asked = vars(parser.parse_args(words))
    out = asked.pop("out")
    try:
        rows = segment(asked.pop("run"), asked.pop("data"), **asked)
    except UnlabeledError as error:
        sys.exit(f"unlabeled: {error}")
    if out:
        write_json(out, [asdict(row) for row in rows])
    sys.stdout.write(markdown(rows) + "\n")


if __name__ == "__main__":
    main()
