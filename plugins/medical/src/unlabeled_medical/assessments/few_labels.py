"""Segmentation from few labelled volumes, by several encoders on the same draws."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from unlabeled.contract import Encoder
from unlabeled.errors import DataError
from unlabeled.randomness import keyed_rng
from unlabeled_medical.assessments.dense_probe import DenseProbe, Labelled, Predict, score
from unlabeled_medical.assessments.fine_tuning import FineTuning
from unlabeled_medical.assessments.voxels import Describe

Fitting = Callable[[Sequence[Labelled], int], Predict]
"""From the few labelled volumes and the number of classes, with the background."""


@dataclass(frozen=True, slots=True, eq=False)
class Volumetric:
    """Volumes with masks of class numbers, and whose they are, (N,)."""

    volumes: Sequence[Labelled]
    patients: np.ndarray

    def draw(self, count: int, number: int) -> list[Labelled]:
        """One volume each of `count` patients. Raises DataError if there are fewer."""
        known = np.unique(self.patients)
        if count > len(known):
            raise DataError(
                f"labelled: {count} volumes requested, each of another patient, {len(known)} "
                "patients to label. Ask for fewer: --evaluation.assess.labelled."
            )
        rng = keyed_rng("few labels", count, number)
        chosen = rng.choice(known, count, replace=False)
        places = [rng.choice(np.flatnonzero(self.patients == patient)) for patient in chosen]
        return [self.volumes[int(place)] for place in places]


def probing(describe: Describe) -> Fitting:
    """A linear head on frozen features; recent features are cached."""
    remembered = lru_cache(maxsize=32)(describe)  # volumes are compared by identity
    return lambda few, classes: DenseProbe().fit(remembered, few, classes)


def tuning(encoder: Encoder, steps: int) -> Fitting:
    """The encoder trained together with its head; it stays as it is."""
    return lambda few, classes: FineTuning(steps=steps).fit(encoder, few, classes)


def few_fits(
    fitting: Fitting,
    pool: Volumetric,
    tested: Volumetric,
    classes: int,
    labelled: Sequence[int],
    draws: Sequence[int],
) -> np.ndarray:
    """(K, T, 2) for K numbers of labelled and T tested volumes: Dice and HD95 (NaN where
    undefined), means over draws, which are given by their numbers."""
    found = np.empty((len(labelled), len(draws), len(tested.volumes), 2))
    heads = {
        (place, column): fitting(pool.draw(count, number), classes)
        for place, count in enumerate(labelled)
        for column, number in enumerate(draws)
    }
    for row, volume in enumerate(tested.volumes):  # each is described once, for all heads
        for (place, column), predict in heads.items():
            fit = score(predict, volume, classes)
            found[place, column, row] = fit.dice, fit.hd95
    dice, known = found[..., 0].mean(axis=1), ~np.isnan(found[..., 1])
    hd95 = np.where(known, found[..., 1], 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return np.stack([dice, np.where(known.any(axis=1), hd95, np.nan)], axis=-1)
