"""The labels of an evaluation: matched to items, with groups, and marked where they may be
tested."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from unlabeled.contract import FindsLabels
from unlabeled.data.items import Items
from unlabeled.data.labels import labels_in, read_labels, target_names
from unlabeled.data.tables import is_table
from unlabeled.evaluation.extents import within
from unlabeled.evaluation.matching import Labelled, match
from unlabeled.evaluation.seen_labels import Seen
from unlabeled.inference.reading import Source


@dataclass(frozen=True, slots=True)
class GivenLabels:
    """N labels as an assessment sees them (`contract.LabelledItems`).

    testable: (N,) bool, False where the group had labels in training; notes: on groups.
    """

    labelled: Labelled
    targets: tuple[str, ...]
    folder: Path
    groups: np.ndarray
    testable: np.ndarray
    notes: tuple[str, ...] = ()

    @property
    def table(self) -> pa.Table:
        return self.labelled.table

    @property
    def rows(self) -> np.ndarray:
        return self.labelled.rows

    @property
    def unit(self) -> str:
        return self.labelled.unit

    def where(self, places: Sequence[int] | np.ndarray) -> str:
        return self.labelled.labels.where(places)

    def take(self, places: np.ndarray) -> GivenLabels:
        """The labels at these positions, (n,) int."""
        return replace(
            self,
            labelled=self.labelled.take(places),
            groups=self.groups[places],
            testable=self.testable[places],
        )


def given_labels(
    labels: Path | None,
    target: Sequence[str],
    source: Source,
    data: Path,
    pseudonyms: Sequence[str],
    seen: Seen,
    finder: FindsLabels | None = None,
) -> GivenLabels:
    """Read, match and group labels. labels: a table, None for the metadata columns of the index.

    pseudonyms: other names of the items; seen: items and groups that had labels in training;
    finder: reads labels that are not tables, and those beside the data if no table is given. Raises
    DataError and UsageError.
    """
    if finder and not (labels and is_table(labels)):
        labels = labels or data
        table = finder.find_labels(labels, source.items)
    else:
        table = labels_in(source.items) if labels is None else read_labels(labels)
    names = target_names(table, target)
    labelled = within(match(table, source, data, pseudonyms), source)
    beside = labels or data
    folder = beside if beside.is_dir() else beside.parent
    return grouped(labelled, names, source.items, folder, seen)


def grouped(
    labelled: Labelled, names: Sequence[str], items: Items, folder: Path, seen: Seen
) -> GivenLabels:
    """Assign groups to labels, and mark those whose groups had labels in training."""
    groups, note = _groups(labelled, items)
    testable = ~seen.had_labels(items, labelled.rows, groups)
    notes = (note,) if note else ()
    return GivenLabels(labelled, tuple(names), folder, groups, testable, notes)


def _groups(labelled: Labelled, items: Items) -> tuple[np.ndarray, str]:
    """Names (N,), from the labels or else from the index, and notes.

    An item without a group is its own group; so is a part, if all parts are of one item or group.
    """
    index = items.table.take(labelled.rows)
    in_labels = "group" in labelled.table.column_names
    given = (labelled.table if in_labels else index)["group"].to_pylist()
    own = [f"item {item}" for item in index["id"].to_pylist()]
    names = [str(name) if name else alone for name, alone in zip(given, own, strict=True)]
    if labelled.parts and not in_labels and len(set(names)) == 1:
        one_each = np.array([f"{names[0]}, {number}" for number in range(len(names))])
        return one_each, (
            f"All labels are of one item: each of its {labelled.unit} counts as its own group, "
            "though they depend on one another."
        )
    note = (
        "" if any(given) else "Neither labels nor index name groups: each item counts as its own."
    )
    return np.array(names), note
