"""Embeddings of labelled things by several encoders and baselines at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np

from unlabeled.contract import Baseline, Encoder, Piece, Sample
from unlabeled.errors import DataError, RunError
from unlabeled.evaluation.matching import Labelled
from unlabeled.inference.encoding import encode
from unlabeled.inference.reading import Source
from unlabeled.progress import progress


@dataclass(frozen=True, slots=True)
class Embeddings:
    """Embeddings of the n labelled items (or parts) that could be read, each (n, D).

    read: (n,) their positions among all labelled ones, ascending; baselines: by name, those that
    describe such parts, may be NaN; output: name of the encoders' output; absent: number of items
    that lack its input (`Encoder.present`) and are left out.
    """

    read: np.ndarray
    encoders: tuple[np.ndarray, ...]
    baselines: Mapping[str, np.ndarray]
    output: str
    absent: int = 0

    def of_encoder(
        self, place: int, name: str, kind: Literal["pretrained", "random"]
    ) -> np.ndarray:
        """(n, D). Raises RunError if a pretrained one returns something that is not finite."""
        values = self.encoders[place]
        bad = int((~np.isfinite(values)).any(1).sum()) if kind == "pretrained" else 0
        if bad:
            raise RunError(f"{name}: {bad} of {len(values)} embeddings are not finite numbers")
        return values


def embed_all(
    encoders: Sequence[Encoder],
    baselines: Mapping[str, Baseline],
    source: Source,
    labelled: Labelled,
    output: str,
    batch_size: int,
) -> Embeddings:
    """Embed labelled things by all subjects, reading each item once.

    Tokens and nodes are averaged per item, unless labels describe them. Raises DataError.
    """
    items = np.unique(labelled.rows)
    read: list[np.ndarray] = []
    embedded: list[list[np.ndarray]] = [[] for _ in encoders]
    described: dict[str, list[np.ndarray | None]] = {name: [] for name in baselines}
    absent = 0
    with progress("embedding for the probe", len(items)) as advance:
        for batch, samples in source.batches(items.tolist(), batch_size):
            pieces = [encode(encoder, samples, output) for encoder in encoders]
            # Left out for all alike: a baseline of an item that the encoders lack has no
            # counterpart.
            kept = [n for n, each in enumerate(zip(*pieces, strict=True)) if _present(each)]
            absent += len(batch) - len(kept)
            ids = [source.items[batch[n]].id for n in kept]
            places = [_rows_of(labelled, batch[n]) for n in kept]
            read += [np.arange(place.start, place.stop) for place in places]
            for of_encoder, found in zip(pieces, embedded, strict=True):
                own = [of_encoder[n] for n in kept]
                found += map(partial(_of_rows, labelled), own, places, ids)
            for name, describe in baselines.items():
                about = partial(_described, describe, labelled)
                described[name] += map(about, [samples[n] for n in kept], places, ids)
            advance(len(batch))
    if not read:
        why = f"; {absent} lack what the output {output!r} is made of" if absent else ""
        raise DataError(f"none of {len(items)} labelled items can be evaluated{why}")
    order = np.argsort(joined := np.concatenate(read))
    return Embeddings(
        joined[order],
        tuple(np.concatenate(found)[order] for found in embedded),
        {
            name: np.concatenate([rows for rows in found if rows is not None])[order]
            for name, found in described.items()
            if all(rows is not None for rows in found)
        },
        output,
        absent,
    )


def _present(pieces: Sequence[Piece]) -> bool:
    return all(piece.present for piece in pieces)


def _rows_of(labelled: Labelled, item: int) -> slice:
    """The labelled rows of an item."""
    return slice(*np.searchsorted(labelled.rows, [item, item + 1]).tolist())


def _of_rows(labelled: Labelled, piece: Piece, rows: slice, item: str) -> np.ndarray:
    """(n, D): the vectors of the rows of an item, from its piece."""
    return labelled.parts.of(piece, rows, item) if labelled.parts else piece.values.mean(0)[None]


def _described(
    describe: Baseline, labelled: Labelled, sample: Sample, rows: slice, item: str
) -> np.ndarray | None:
    """(n, D); None for baselines that do not describe such parts."""
    found = np.asarray(describe(sample), float)
    if labelled.parts and (labelled.unit != "nodes" or found.ndim == 1):
        return None
    return _of_rows(labelled, Piece(np.atleast_2d(found)), rows, item)
