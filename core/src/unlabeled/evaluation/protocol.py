"""What every embedding is put through: one probe, the same targets, groups and splits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from unlabeled.contract import Evaluator
from unlabeled.data.items import Items
from unlabeled.data.targets import Target, has_several, infer_task, read_targets
from unlabeled.errors import DataError
from unlabeled.evaluation.matching import Labelled
from unlabeled.evaluation.probing import Predictions, predict
from unlabeled.evaluation.settings import EvaluationSettings
from unlabeled.labelled import Labelled as SeenLabels
from unlabeled.labelled import had_labels
from unlabeled.probes.splits import Split, by_fold, by_split, leave_groups_out
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
    task, why = infer_task(labelled.labels, names)
    probe = {"name": DEFAULT_PROBES[task]}
    if any(has_several(labelled.labels, name) for name in names):
        probe["metric"] = "roc_auc"  # most items lack most labels, so accuracy says nothing
    choice = read_choice("evaluators", probe, "evaluation")
    return choice, f"inferred: {why}; --probe chooses another"


def design(
    labelled: Labelled,
    names: Sequence[str],
    items: Items,
    choice: Choice,
    folds: int,
    seen: Sequence[SeenLabels] = (),
) -> Study:
    """Lay out the study of N labelled items. seen: what had labels in training.

    Raises DataError, also where nothing is left to be tested.
    """
    probe: Evaluator = choice.settings  # type: ignore[assignment]
    groups, note = _groups(labelled, items)
    splits, described = _splits(labelled, groups, folds)
    splits, on_labels = _unseen(labelled, items, groups, splits, seen)
    notes = [*([note] if note else []), *on_labels, *_notes_on_groups(groups, splits)]
    targets, notes_on_targets = _targets(labelled, names, probe, splits)
    notes = [*notes, *notes_on_targets, *labelled.labels.notes]
    return Study(probe, tuple(targets), groups, tuple(splits), described, tuple(notes))


def _unseen(
    labelled: Labelled,
    items: Items,
    groups: np.ndarray,
    splits: list[Split],
    seen: Sequence[SeenLabels],
) -> tuple[list[Split], list[str]]:
    """The splits without tests of groups whose labels the method learned from; and how many.

    They may train the probe: their labels are known. A method repeats what it has memorised, so
    on those groups even labels drawn by lot would look like a win.
    """
    rows = np.array(had_labels(seen, items, labelled.rows.tolist()))
    names = set().union(*(each.groups for each in seen))
    rows |= np.array([name in names for name in groups])
    left_out = np.isin(groups, groups[rows])
    if not left_out.any():
        return splits, []
    kept = [Split(split.train, split.test[~left_out[split.test]]) for split in splits]
    kept = [split for split in kept if len(split.test)]
    count, of = int(left_out.sum()), len(set(groups[left_out].tolist()))
    if not kept:
        raise DataError(
            f"all {labelled.unit} that could be tested are of groups that had labels in training "
            f"({count} {labelled.unit} of {of} groups), so no score would mean anything. Evaluate "
            "on other groups, or train with labels of fewer."
        )
    return kept, [
        f"{count} {labelled.unit} of {of} groups had labels in training and are not tested."
    ]


def _targets(
    labelled: Labelled, names: Sequence[str], probe: Evaluator, splits: Sequence[Split]
) -> tuple[list[Target], list[str]]:
    """The targets that can be judged, and what is to be said of them. Raises DataError."""
    targets, notes = list[Target](), list[str]()
    for name in names:
        found = read_targets(labelled.labels, name, probe.task)
        if gaps := int(np.count_nonzero(~found[0].known)):
            notes.append(
                f"{gaps} of {len(labelled.rows)} {labelled.unit} have no value of {name} and take "
                "no part."
            )
        if has_several(labelled.labels, name):
            found, note = _labels_apart(labelled, name, found, splits)
            notes.append(note)
        targets += found
    return targets, notes


def _labels_apart(
    labelled: Labelled, name: str, targets: list[Target], splits: Sequence[Split]
) -> tuple[list[Target], str]:
    """The labels that can be trained and tested on every split, and a note. Raises DataError."""
    judged = [target for target in targets if _judgeable(target, splits)]
    several = np.flatnonzero(sum(target.values for target in targets) > 1)
    note = (
        f"{len(several)} of {len(labelled.rows)} {labelled.unit} have several values of {name} "
        f"({labelled.labels.where(several)}): each of {len(targets)} values is a label of its "
        "own, and scores are means over labels."
    )
    if not judged:
        raise DataError(
            f"{note} None of them is both present and absent wherever a split trains. Use fewer "
            "folds, or more labels; or correct the rows if an item has one label only."
        )
    kept = {target.label for target in judged}
    rare = [target.label for target in targets if target.label not in kept]
    if rare:
        shown = f"{', '.join(rare[:5])}{' …' if len(rare) > 5 else ''}"
        note += f" {len(rare)} stand in too few groups to be trained and tested ({shown})."
    return judged, note


def _judgeable(target: Target, splits: Sequence[Split]) -> bool:
    """Whether both classes are in what every split trains on, and in what all of them test."""
    parts = [split.train for split in splits] + [np.concatenate([s.test for s in splits])]
    return all(len(np.unique(target.values[part[target.known[part]]])) == 2 for part in parts)


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
