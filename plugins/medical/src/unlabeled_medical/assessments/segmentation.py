"""Segmentation of scans from few labelled ones.

    unlabeled evaluate runs/mine Task04/imagesTr --labels Task04/labelsTr \\
        --assess medical/segmentation

--labels is a folder of masks named like their scans (nnU-Net's labelsTr), a datalist (dataset.json
of the Decathlon, of nnU-Net or of MONAI), or a table with the columns `item` and `mask`, optionally
`group` (the patient) and `split` (train, test).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from pydantic import Field, PrivateAttr

from unlabeled.contract import (
    Assessed,
    Assessment,
    FindsLabels,
    LabelledItems,
    Rivals,
    Score,
    Source,
    Subject,
)
from unlabeled.data.items import Items
from unlabeled.data.labels import Labels
from unlabeled.errors import DataError
from unlabeled.evaluation.seen_labels import nothing_left
from unlabeled.probes.splits import by_split
from unlabeled.randomness import keyed_rng
from unlabeled_medical.assessments.cases import Cases, Lazy, survey
from unlabeled_medical.assessments.few_labels import (
    Fitting,
    Volumetric,
    few_fits,
    probing,
    tuning,
)
from unlabeled_medical.assessments.voxels import frozen, neighbourhood, placed
from unlabeled_medical.encoders.maps import MapEncoder
from unlabeled_medical.encoders.uni_vit import UniViT
from unlabeled_medical.readers.mask_files import find_masks

COUNTS = (1, 2, 5, 10)
FINE_TUNED = {"training": "fine-tuned"}


@dataclass(frozen=True, slots=True)
class Halves:
    """Positions among the labels: `train` may be labelled, `test` is tested; described in words."""

    train: np.ndarray
    test: np.ndarray
    described: str


@dataclass(frozen=True, slots=True)
class Task:
    """What every subject is put to. units: (T,) positions of the tested labels; counts: how many
    volumes are labelled, the most first."""

    pool: Volumetric
    tested: Volumetric
    units: np.ndarray
    classes: int
    counts: tuple[int, ...]
    about: Mapping[str, Any]
    notes: tuple[str, ...]


class Segmentation(Assessment, Rivals, FindsLabels):
    """Dice and HD95 (mm) of a linear head on frozen feature maps, fitted on few labelled scans.

    For each number of labelled scans a few draws of as many patients are made, the same for all
    subjects; scores are means over classes and draws, of every tested scan. Beside encoders stand
    raw voxels (values, means around, products), and the same with their place in the scan.
    """

    encoders: ClassVar[tuple[type, ...]] = (MapEncoder, UniViT)

    labelled: tuple[int, ...] | None = Field(
        None,
        min_length=1,
        description="numbers of labelled scans, each of another patient; 1, 2, 5 and 10, as far "
        "as there are patients, if unset",
    )
    draws: int = Field(3, ge=1, description="of the labelled scans, whose scores are averaged")
    tuned_steps: int = Field(
        0, ge=0, description="also train the encoder with its head for so many steps; 0 for not"
    )
    _known: tuple[LabelledItems, Cases] | None = PrivateAttr(None)

    def find_labels(self, path: Path, items: Items) -> Labels:
        """Masks named like their scans, or by a datalist."""
        return find_masks(path, items)

    def training_rows(self, source: Source, labels: LabelledItems | None) -> np.ndarray:
        assert labels is not None
        rows: np.ndarray = labels.rows[_halves(self._cases(source, labels), labels).train]
        return rows

    def assess(
        self,
        subject: Subject,
        source: Source,
        labels: LabelledItems | None,
        rng: np.random.Generator,  # noqa: ARG002 - draws are keyed by their number and size
    ) -> Assessed | None:
        """Raises DataError and RunError."""
        if subject.encoder is None or labels is None:
            return None
        task = self._task(source, labels)
        scores = list(self._scores(task, probing(frozen(subject.encoder))))
        if self.tuned_steps:
            scores += self._scores(task, tuning(subject.encoder, self.tuned_steps), FINE_TUNED)
        return _assessed(task, labels, scores)

    def rivals(
        self,
        source: Source,
        labels: LabelledItems | None,
        rng: np.random.Generator,  # noqa: ARG002
    ) -> Mapping[str, Assessed]:
        """Raw voxels, without and with their place."""
        assert labels is not None
        task = self._task(source, labels)
        kinds = {"raw voxels": neighbourhood, "raw voxels and place": placed(neighbourhood)}
        return {
            name: _assessed(task, labels, list(self._scores(task, probing(describe))))
            for name, describe in kinds.items()
        }

    def _scores(
        self, task: Task, fitting: Fitting, more: Mapping[str, str] | None = None
    ) -> Iterator[Score]:
        sets = task.pool, task.tested, task.classes, task.counts
        found = few_fits(fitting, *sets, range(self.draws))
        for count, fits in zip(task.counts, found, strict=True):
            at: dict[str, str | int | float] = {"labels": count, **(more or {})}
            yield Score.mean("Dice", fits[:, 0], at=at)
            yield Score.mean("HD95", fits[:, 1], higher_is_better=False, unit="mm", at=at)

    def _cases(self, source: Source, labels: LabelledItems) -> Cases:
        """All scans are read once for all subjects, to learn which classes and masks there are."""
        if self._known is None or self._known[0] is not labels:
            if len(labels.targets) != 1:
                raise DataError(f"expected one column of masks, found {', '.join(labels.targets)}")
            self._known = labels, survey(source, labels)
        return self._known[1]

    def _task(self, source: Source, labels: LabelledItems) -> Task:
        cases = self._cases(source, labels)
        halves = _halves(cases, labels)
        pool, tested = (
            Volumetric(Lazy(source, labels, cases.values, part), labels.groups[part])
            for part in (halves.train, halves.test)
        )
        patients = len(np.unique(pool.patients))
        counts = self.labelled or [n for n in COUNTS if n <= patients]
        if bad := [n for n in counts if not 1 <= n <= patients]:
            raise DataError(
                f"evaluation.assess.labelled: {bad[0]} scans requested, each of another patient, "
                f"{patients} patients to label. Ask for fewer."
            )
        about = {
            "splits": halves.described,
            "classes": [int(value) for value in cases.values[1:]],
            "labelled": f"{self.draws} draws, each of as many patients, out of {len(halves.train)} "
            f"scans of {patients} patients",
        }
        notes = tuple(_notes(cases, halves, labels))
        ordered = tuple(sorted(set(counts), reverse=True))  # the most is the headline
        return Task(pool, tested, halves.test, len(cases.values), ordered, about, notes)


def _halves(cases: Cases, labels: LabelledItems) -> Halves:
    """The split of the labels, else every second patient. Raises DataError."""
    there = np.zeros(len(labels.rows), dtype=bool)
    there[cases.places] = True
    if "split" in labels.table.column_names:
        (split,) = by_split(np.array([str(s) for s in labels.table["split"].to_pylist()]))
        train, test = split.train[there[split.train]], split.test[there[split.test]]
        if both := set(labels.groups[train]) & set(labels.groups[test]):
            raise DataError(f"the split of the labels has {len(both)} patients on both sides")
        described = f"the split of the labels: {len(train)} scans to label, {len(test)} to test"
    else:
        # Patients whose labels were seen in training are not drawn: they may be labelled alone.
        drawn = keyed_rng("tested").permutation(np.unique(labels.groups[there & labels.testable]))
        tested = np.isin(labels.groups, drawn[::2])
        train, test = np.flatnonzero(there & ~tested), np.flatnonzero(there & tested)
        described = f"every second patient tested: {len(train)} scans to label, {len(test)} to test"
    if not labels.testable[test].any() and not labels.testable.all():
        raise nothing_left(labels.groups[~labels.testable], labels.unit)
    test = test[labels.testable[test]]
    if not len(train) or not len(test):
        raise DataError(
            f"expected scans to label and scans of other patients to test, found {len(train)} and "
            f"{len(test)}"
        )
    return Halves(train, test, described)


def _notes(cases: Cases, halves: Halves, labels: LabelledItems) -> Iterator[str]:
    held = dict(zip(cases.places.tolist(), cases.held, strict=True))
    if cases.empty:
        yield f"{cases.empty} of {len(cases.places)} masks are empty, background alone."
    for part, use in ((halves.train, "can be labelled"), (halves.test, "is tested")):
        there = np.any([held[place] for place in part.tolist()], axis=0)
        if missing := [f"{value:g}" for value in cases.values[1:][~there[1:]]]:
            yield f"No scan that {use} holds class {', '.join(missing)}."
    if "fold" in labels.table.column_names:
        yield "The folds of the labels are not used: one part is labelled, another tested."
    yield "HD95 leaves out scans in which nothing was found: read it beside Dice."


def _assessed(task: Task, labels: LabelledItems, scores: list[Score]) -> Assessed:
    groups = labels.groups[task.units]
    return Assessed(task.units, groups, tuple(scores), about=task.about, notes=task.notes)
