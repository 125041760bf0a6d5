"""How scores depend on the size in which encoders see images, and on the scaling of their bands.

Source: Corley, Robinson, Dodhia, Lavista Ferres, Najafirad 2023, arXiv:2305.13456: features are
compared at several sizes and normalisations, always beside image statistics, because the choice
changes the ranking. List `remote_sensing/band_statistics` and `remote_sensing/random_convolutions`
among the baselines.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

import numpy as np
from pydantic import Field

from unlabeled.contract import (
    Assessed,
    Assessment,
    Encoder,
    LabelledItems,
    Score,
    Source,
    Subject,
)
from unlabeled.errors import DataError
from unlabeled.evaluation.probing import impute
from unlabeled.probes.knn import KNN
from unlabeled.probes.logistic import Logistic
from unlabeled.probes.splits import Split, splits_of
from unlabeled_remote_sensing.augmentations.crop import resized
from unlabeled_remote_sensing.raster import Raster

Scaling = Literal["none", "standardise", "minmax"]
PROBES: Mapping[str, KNN | Logistic] = {"kNN": KNN(k=5), "linear": Logistic()}


class Sizes(Assessment):
    """Accuracy of a class by k nearest neighbours (k = 5) and a linear probe, at every size with
    every normalisation."""

    sizes: tuple[int | None, ...] = Field((None, 64, 96), description="sides, null as it comes")
    normalisations: tuple[Scaling, ...] = Field(
        ("none", "standardise"),
        description="of the bands; none: by the encoder's own statistics, else by those of the "
        "items that teach the probe (of all, where folds test each in turn)",
    )
    folds: int = Field(5, ge=2, description="folds by group, where the labels give no split")

    def assess(
        self,
        subject: Subject,
        source: Source,
        labels: LabelledItems | None,
        rng: np.random.Generator,  # noqa: ARG002 - nothing is drawn
    ) -> Assessed | None:
        """Raises DataError."""
        assert labels is not None
        places, rasters, truth = _labelled(source, labels)
        table, groups = labels.table.take(places), labels.groups[places]
        splits, described = splits_of(table, groups, self.folds)
        teach = splits[0].train.tolist() if len(splits) == 1 else range(len(rasters))
        ranges = band_ranges([rasters[i] for i in teach])
        expected = expected_statistics(subject.encoder)
        able = labels.testable[places]
        tests = np.concatenate([split.test[able[split.test]] for split in splits])
        if not len(tests):
            raise DataError("sizes: all that could be tested had labels in training")
        scores, width = list[Score](), 0
        for scaling in self.normalisations:
            shown = [scaled(raster, ranges, expected, scaling) for raster in rasters]
            for size in self.sizes:
                found = _embedded(subject, shown, size)
                if found is None:
                    return None
                width = found.shape[1]
                at = {"size": size or "native", "normalisation": scaling}
                for name, hits in _hits(found, truth, groups, splits):
                    scores.append(Score.mean("accuracy", hits[tests], at={**at, "probe": name}))
        units = np.asarray(places)[tests]
        return Assessed(units, groups[tests], tuple(scores), {"splits": described}, width=width)


def band_ranges(rasters: Sequence[Raster]) -> Mapping[str, np.ndarray]:
    """(4, C) of each sensor over all valid pixels: mean, std, lowest, highest."""
    ranges = {}
    for name in {name: None for raster in rasters for name in raster.layers}:
        layers = [raster.layers[name] for raster in rasters if name in raster.layers]
        pixels = np.concatenate([layer.values[:, layer.valid] for layer in layers], axis=1)
        pixels = pixels.astype(np.float64)
        ranges[name] = np.stack([pixels.mean(1), pixels.std(1), pixels.min(1), pixels.max(1)])
    return ranges


def expected_statistics(encoder: Encoder | None) -> Mapping[str, np.ndarray]:
    """(2, C) of each sensor: the mean and std by which the encoder normalises; nothing for a
    baseline, which takes values as they are."""
    sensors = encoder.preprocessing()["sensors"] if encoder else {}
    return {name: np.array([one["mean"], one["std"]]) for name, one in sensors.items()}


def scaled(
    raster: Raster,
    ranges: Mapping[str, np.ndarray],
    expected: Mapping[str, np.ndarray],
    scaling: Scaling,
) -> Raster:
    """Such values (C, H, W) that the encoder's network sees (x - mean) / std, or (x - lowest) /
    range."""
    if scaling == "none":
        return raster

    def change(name: str, values: np.ndarray) -> np.ndarray:
        mean, std, low, high = (x[:, None, None] for x in ranges[name])
        shift, span = (mean, std) if scaling == "standardise" else (low, high - low)
        unit = (values - shift) / np.where(span > 0, span, 1)
        if name in expected:
            own_mean, own_std = (x[:, None, None] for x in expected[name])
            unit = unit * own_std + own_mean
        return np.asarray(unit, dtype=np.float32)

    return raster.with_values(change)


def _labelled(source: Source, labels: LabelledItems) -> tuple[list[int], list[Raster], np.ndarray]:
    """(places, rasters, class numbers (n,)) of all that have a class and can be read."""
    if labels.unit != "items" or len(labels.targets) != 1:
        raise DataError("sizes: expected one column with a class for whole items; set --target")
    values = labels.table[labels.targets[0]].to_pylist()
    read = [
        (place, raster)
        for place, row in enumerate(labels.rows.tolist())
        if values[place] is not None
        for raster in source.tried(row, source.reader.read)
    ]
    places = [place for place, _ in read]
    names, truth = np.unique([str(values[place]) for place in places], return_inverse=True)
    if len(names) < 2 or 2 * len(names) > len(places):
        raise DataError(
            f"sizes: expected classes that several items share, found {len(names)} values of "
            f"{labels.targets[0]} in {len(places)} items"
        )
    return places, [raster for _, raster in read], truth


def _embedded(subject: Subject, rasters: Sequence[Raster], size: int | None) -> np.ndarray | None:
    """(N, D); None for a baseline without vectors."""
    found = []
    for start in range(0, len(rasters), subject.batch_size):
        part = rasters[start : start + subject.batch_size]
        shown = [r if size is None else resized(r, (size, size)) for r in part]
        pieces = subject.encode(shown, kind="global")
        if pieces is None:
            return None
        found += [piece.values for piece in pieces]
    return np.asarray(np.concatenate(found))


def _hits(
    embedding: np.ndarray, truth: np.ndarray, groups: np.ndarray, splits: Sequence[Split]
) -> Iterator[tuple[str, np.ndarray]]:
    """By probe: whether the class of each item was found, (N,) float, NaN where not tested."""
    for name, probe in PROBES.items():
        hits = np.full(len(truth), np.nan)
        for split in splits:
            train, test = impute(embedding[split.train], embedding[split.test])
            found = probe.predict(train, truth[split.train], groups[split.train], test)
            hits[split.test] = found.argmax(axis=1) == truth[split.test]
        yield name, hits
