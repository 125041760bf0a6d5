"""What every embedding is put through: one probe, the same targets, groups and splits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from unlabeled.contract import Evaluator
from unlabeled.evaluation.labels import Target, infer_task, read_target
from unlabeled.evaluation.matching import Labelled
from unlabeled.evaluation.probing import Predictions, predict
from unlabeled.evaluation.settings import EvaluationSettings
from unlabeled.evaluation.splits import Split, by_fold, by_split, leave_groups_out
from unlabeled.items import Items
from unlabeled.recipe import Choice, read_choice

DEFAULT_PROBES = {"classification": "logistic", "regression": "ridge"}
FEW_GROUPS = 10
"""With fewer, percentile intervals are known to be too narrow."""


@dataclass(frozen=True, slots=True)
class Study:
    """targets: of N items; groups: (N,) names; splits: of the N items.

    described: the splits in words; notes: what a reader of the scores must know.
    """

    probe: Evaluator
    targets: tuple[Target, ...]
    groups: np.ndarray
    splits: tuple[Split, ...]
    described: str
    notes: tuple[str, ...]

    @property
    def tested(self) -> np.ndarray:
        """Positions (n,) of the items that are tested at all."""
        return np.unique(np.concatenate([split.test for split in self.splits]))

    def predict(self, embedding: np.ndarray) -> list[Predictions]:
        """What the probe says of each target's test items. embedding: (N, D)."""
        return [predict(self.probe, embedding, t, self.groups, self.splits) for t in self.targets]

    def score(self, predictions: Sequence[Predictions], positions: np.ndarray) -> float:
        """The metric on items, averaged over the targets that define it; positions: (n,)."""
        scores = np.array([each.score(self.probe, positions) for each in predictions])
        defined = scores[~np.isnan(scores)]
        return float(defined.mean()) if len(defined) else float("nan")


def choose_probe(
    labelled: Labelled, names: Sequence[str], settings: EvaluationSettings
) -> tuple[Choice, str]:
    """The probe, and why it was chosen. Raises RecipeError, PluginError or UsageError."""
    if settings.probe:
        return read_choice("evaluators", settings.probe, "evaluation"), "as asked for"
    task = infer_task(labelled.table, names)
    choice = read_choice("evaluators", {"name": DEFAULT_PROBES[task]}, "evaluation")
    return choice, f"inferred from the values of {', '.join(names)}; --probe chooses another"


def design(
    labelled: Labelled,
    names: Sequence[str],
    items: Items,
    choice: Choice,
    folds: int,
) -> Study:
    """Lay out the study of N labelled items. Raises DataError."""
    probe: Evaluator = choice.settings  # type: ignore[assignment]
    groups, note = _groups(labelled, items)
    splits, described = _splits(labelled, groups, folds)
    notes = [*([note] if note else []), *_notes_on_groups(groups, splits)]
    targets = tuple(read_target(labelled.table, name, probe.task) for name in names)
    return Study(probe, targets, groups, tuple(splits), described, tuple(notes))


def _groups(labelled: Labelled, items: Items) -> tuple[np.ndarray, str]:
    """Names (N,), of the labels or else of the index, and what is to be said of them.

    An item without a group is its own; so is a part, where all are of one item or group.
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


def _splits(labelled: Labelled, groups: np.ndarray, folds: int) -> tuple[list[Split], str]:
    """The given folds, else the given split, else folds by group."""
    columns = labelled.table.column_names
    if "fold" in columns:
        splits = by_fold(_names(labelled, "fold"))
        return splits, f"the {len(splits)} folds of the labels, each left out in turn"
    if "split" in columns:
        splits = by_split(_names(labelled, "split"))
        sizes = f"{len(splits[0].train)} {labelled.unit} train, {len(splits[0].test)} test"
        return splits, f"the split of the labels: {sizes}"
    splits = leave_groups_out(groups, folds)
    return splits, f"{len(splits)} folds by group, each left out in turn"


def _names(labelled: Labelled, column: str) -> np.ndarray:
    return np.array([str(name) for name in labelled.table[column].to_pylist()])


def _notes_on_groups(groups: np.ndarray, splits: Sequence[Split]) -> list[str]:
    notes = []
    shared = {name for s in splits for name in set(groups[s.train]) & set(groups[s.test])}
    if shared:
        notes.append(f"The given splits have {len(shared)} groups on both sides.")
    tested = len({name for split in splits for name in groups[split.test]})
    if tested < FEW_GROUPS:
        notes.append(f"Intervals from {tested} groups are rough, and rather too narrow.")
    return notes
