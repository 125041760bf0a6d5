"""The embeddings that are compared: pretrained, random, and hand-made features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from unlabeled import discovery
from unlabeled.contract import Encoder, Features, Sample
from unlabeled.errors import DataError, RunError
from unlabeled.evaluation.matching import Labelled
from unlabeled.evaluation.random_encoders import random_encoder
from unlabeled.evaluation.settings import EvaluationSettings
from unlabeled.export.encoder import EncoderConfig, load_encoder
from unlabeled.inference.encoding import Piece, choose_output, device, encode
from unlabeled.inference.reading import Source
from unlabeled.progress import progress


@dataclass(frozen=True, slots=True)
class Contestants:
    """Embeddings of the N labelled items (or parts) that could be read, each (N, D).

    read: (N,) their positions among all labelled ones; pretrained: of each seed; a feature may be
    NaN; output: which one of the encoder; left_out: features that do not describe such parts;
    absent: items that lack what the output is made of (`Encoder.present`), which are left out.
    """

    read: np.ndarray
    pretrained: tuple[np.ndarray, ...]
    random: tuple[np.ndarray, ...]
    features: Mapping[str, np.ndarray]
    output: str
    left_out: tuple[str, ...]
    absent: int = 0


def contestants(
    paths: Sequence[Path | str],
    config: EncoderConfig,
    settings: EvaluationSettings,
    source: Source,
    labelled: Labelled,
) -> Contestants:
    """Embed what is labelled by all contestants, reading each item once.

    paths: of runs of one recipe that differ in their seed; config: of the first.
    Tokens and nodes are averaged per item, unless the labels are about them. Raises UsageError if
    the encoder has no such output, RunError if one returns something that is not finite.
    """
    kind = labelled.parts.kind if labelled.parts else None
    output = choose_output(config.outputs, settings.output, kind).name
    features = {name: discovery.load("features", name)() for name in settings.features}
    size = config.provenance.batch_size
    rows = _training_rows(labelled)
    untrained = [
        random_encoder(config.encoder, seed, source, rows, output=output, batch_size=size)
        for seed in range(settings.random_encoders)
    ]
    pretrained = [load_encoder(path).to(device()) for path in paths]
    read, embedded, described, absent = _embed(
        [*pretrained, *untrained], features, source, labelled, output, size
    )
    ours, theirs = embedded[: len(paths)], embedded[len(paths) :]
    for path, values in zip(paths, ours, strict=True):
        if bad := int((~np.isfinite(values)).any(1).sum()):
            raise RunError(f"{path}: {bad} of {len(read)} embeddings are not finite numbers")
    left_out = tuple(name for name in features if name not in described)
    return Contestants(read, tuple(ours), tuple(theirs), described, output, left_out, absent)


def _embed(
    encoders: Sequence[Encoder],
    features: Mapping[str, Features],
    source: Source,
    labelled: Labelled,
    output: str,
    batch_size: int,
) -> tuple[np.ndarray, list[np.ndarray], dict[str, np.ndarray], int]:
    items = np.unique(labelled.rows)
    read: list[np.ndarray] = []
    embedded: list[list[np.ndarray]] = [[] for _ in encoders]
    described: dict[str, list[np.ndarray | None]] = {name: [] for name in features}
    absent = 0
    with progress("embedding for the probe", len(items)) as advance:
        for batch, samples in source.batches(items.tolist(), batch_size):
            pieces = [encode(encoder, samples, output) for encoder in encoders]
            # For everybody alike: features of an item that encoders lack compare with nothing.
            kept = [n for n, each in enumerate(zip(*pieces, strict=True)) if _present(each)]
            absent += len(batch) - len(kept)
            ids = [source.items[batch[n]].id for n in kept]
            places = [_rows_of(labelled, batch[n]) for n in kept]
            read += [np.arange(place.start, place.stop) for place in places]
            for of_encoder, found in zip(pieces, embedded, strict=True):
                own = [of_encoder[n] for n in kept]
                found += map(partial(_of_rows, labelled), own, places, ids)
            for name, describe in features.items():
                about = partial(_described, describe, labelled)
                described[name] += map(about, [samples[n] for n in kept], places, ids)
            advance(len(batch))
    if not read:
        why = f"; {absent} lack what the output {output!r} is made of" if absent else ""
        raise DataError(f"none of {len(items)} labelled items can be evaluated{why}")
    order = np.argsort(joined := np.concatenate(read))
    return (
        joined[order],
        [np.concatenate(found)[order] for found in embedded],
        {
            name: np.concatenate([rows for rows in found if rows is not None])[order]
            for name, found in described.items()
            if all(rows is not None for rows in found)
        },
        absent,
    )


def _present(pieces: Sequence[Piece]) -> bool:
    return all(piece.present for piece in pieces)


def _rows_of(labelled: Labelled, item: int) -> slice:
    """The labelled rows that are about an item."""
    return slice(*np.searchsorted(labelled.rows, [item, item + 1]).tolist())


def _of_rows(labelled: Labelled, piece: Piece, rows: slice, item: str) -> np.ndarray:
    """(n, D): what an item's piece says of the rows about it."""
    return labelled.parts.of(piece, rows, item) if labelled.parts else piece.values.mean(0)[None]


def _described(
    describe: Features, labelled: Labelled, sample: Sample, rows: slice, item: str
) -> np.ndarray | None:
    """(n, D); None for features that do not describe such parts."""
    found = np.asarray(describe(sample), float)
    if labelled.parts and (labelled.unit != "nodes" or found.ndim == 1):
        return None
    return _of_rows(labelled, Piece(np.atleast_2d(found)), rows, item)


def _training_rows(labelled: Labelled) -> list[int]:
    """The items that random encoders may be fitted to (see `random_encoders`)."""
    columns, rows = labelled.table.column_names, labelled.rows
    if "split" in columns and "fold" not in columns:
        rows = rows[np.array(labelled.table["split"].to_pylist()) == "train"]
    return list(np.unique(rows).tolist())
