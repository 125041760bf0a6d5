"""The embeddings that are compared: pretrained, random, and hand-made features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from unlabeled import discovery
from unlabeled.contract import Encoder, Features
from unlabeled.errors import DataError, RunError
from unlabeled.evaluation.encoding import choose_output, device, encode
from unlabeled.evaluation.labels import Labelled
from unlabeled.evaluation.progress import progress
from unlabeled.evaluation.random_encoders import random_encoder
from unlabeled.evaluation.reading import Source
from unlabeled.evaluation.settings import EvaluationSettings
from unlabeled.export.encoder import EncoderConfig, load_encoder


@dataclass(frozen=True, slots=True)
class Contestants:
    """Embeddings of the N items that could be read, each (N, D).

    read: (N,) positions of these among the labelled items; a feature may be NaN.
    """

    read: np.ndarray
    pretrained: np.ndarray
    random: tuple[np.ndarray, ...]
    features: Mapping[str, np.ndarray]


def contestants(
    path: Path | str,
    config: EncoderConfig,
    settings: EvaluationSettings,
    source: Source,
    labelled: Labelled,
) -> Contestants:
    """Embed the labelled items by all contestants, reading each item once.

    Tokens and nodes are averaged per item. Raises RunError if the pretrained encoder returns
    something that is not finite.
    """
    output = choose_output(config.outputs, settings.output).name
    features = {name: discovery.load("features", name)() for name in settings.features}
    size = config.provenance.batch_size
    rows = _training_rows(labelled)
    untrained = [
        random_encoder(config.encoder, seed, source, rows, output=output, batch_size=size)
        for seed in range(settings.random_encoders)
    ]
    encoders = [load_encoder(path).to(device()), *untrained]
    read, embedded, described = _embed(encoders, features, source, labelled, output, size)
    if not np.isfinite(embedded[0]).all():
        bad = (~np.isfinite(embedded[0])).any(1).sum()
        raise RunError(f"{path}: {bad} of {len(read)} embeddings are not finite numbers")
    return Contestants(read, embedded[0], tuple(embedded[1:]), described)


def _embed(
    encoders: Sequence[Encoder],
    features: Mapping[str, Features],
    source: Source,
    labelled: Labelled,
    output: str,
    batch_size: int,
) -> tuple[np.ndarray, list[np.ndarray], dict[str, np.ndarray]]:
    position = {row: place for place, row in enumerate(labelled.rows.tolist())}
    read: list[int] = []
    embedded: list[list[np.ndarray]] = [[] for _ in encoders]
    described: dict[str, list[np.ndarray]] = {name: [] for name in features}
    with progress("embedding for the probe", len(position)) as advance:
        for batch, samples in source.batches(labelled.rows.tolist(), batch_size):
            read += [position[row] for row in batch]
            for encoder, found in zip(encoders, embedded, strict=True):
                found += [piece.values.mean(0) for piece in encode(encoder, samples, output)]
            for name, describe in features.items():
                described[name] += [np.asarray(describe(sample), float) for sample in samples]
            advance(len(batch))
    if not read:
        raise DataError(f"none of {len(position)} labelled items could be read")
    order = np.argsort(read)
    return (
        np.array(read)[order],
        [np.stack(found)[order] for found in embedded],
        {name: np.stack(found)[order] for name, found in described.items()},
    )


def _training_rows(labelled: Labelled) -> list[int]:
    """The items that random encoders may be fitted to (see `random_encoders`)."""
    columns = labelled.table.column_names
    if "split" not in columns or "fold" in columns:
        return list(labelled.rows.tolist())
    parts = labelled.table["split"].to_pylist()
    return [row for row, part in zip(labelled.rows.tolist(), parts, strict=True) if part == "train"]
