"""The protocol of the probe: the same targets, groups and splits for every embedding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from unlabeled.contract import Evaluator
from unlabeled.data.targets import Target, has_several, infer_task, read_targets
from unlabeled.errors import DataError
from unlabeled.evaluation.labelling import GivenLabels
from unlabeled.evaluation.matching import Labelled
from unlabeled.evaluation.probing import Predictions, predict
from unlabeled.evaluation.seen_labels import nothing_left
from unlabeled.probes.splits import Split, splits_of
from unlabeled.recipe import Choice, read_choice

DEFAULT_PROBES = {"classification": "logistic", "regression": "ridge"}


@dataclass(frozen=True, slots=True)
class Protocol:
    """targets: of N items; groups: (N,) names; splits: of the N items.

    described: the splits in words; notes: for readers of the scores.
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
        """The probe's predictions of each target's test items. embedding: (N, D)."""
        return [predict(self.probe, embedding, t, self.groups, self.splits) for t in self.targets]


def choose_probe(given: GivenLabels, probe: Mapping[str, Any] | None) -> tuple[Choice, str]:
    """The probe, and why it was chosen. Raises RecipeError, PluginError or UsageError."""
    if probe:
        return read_choice("evaluators", probe, "evaluation"), "as requested"
    labels, names = given.labelled.labels, given.targets
    task, why = infer_task(labels, names)
    chosen = {"name": DEFAULT_PROBES[task]}
    if task == "classification" and any(has_several(labels, name) for name in names):
        chosen["metric"] = "roc_auc"  # most items lack most labels, so accuracy is uninformative
    choice = read_choice("evaluators", chosen, "evaluation")
    return choice, f"inferred: {why}; --probe chooses another"


def design(given: GivenLabels, choice: Choice, folds: int) -> Protocol:
    """The protocol for N labelled items. Raises DataError, also if nothing is left to test."""
    probe: Evaluator = choice.settings  # type: ignore[assignment]
    labelled = given.labelled
    splits, described = splits_of(labelled.table, given.groups, folds, labelled.unit)
    splits = _testable(splits, given)
    notes = _notes_on_groups(given.groups, splits)
    targets, notes_on_targets = _targets(labelled, given.targets, probe, splits)
    notes = [*notes, *notes_on_targets, *labelled.labels.notes]
    return Protocol(probe, tuple(targets), given.groups, tuple(splits), described, tuple(notes))


def _testable(splits: list[Split], given: GivenLabels) -> list[Split]:
    """The splits without tests of groups that had labels in training; those may train the probe."""
    if given.testable.all():
        return splits
    kept = [Split(split.train, split.test[given.testable[split.test]]) for split in splits]
    kept = [split for split in kept if len(split.test)]
    if not kept:
        raise nothing_left(given.groups[~given.testable], given.unit)
    return kept


def _targets(
    labelled: Labelled, names: Sequence[str], probe: Evaluator, splits: Sequence[Split]
) -> tuple[list[Target], list[str]]:
    """The targets that can be scored, and notes. Raises DataError."""
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
    """Whether both classes occur in the training items of every split, and among all tested
    items."""
    parts = [split.train for split in splits] + [np.concatenate([s.test for s in splits])]
    return all(len(np.unique(target.values[part[target.known[part]]])) == 2 for part in parts)


def _notes_on_groups(groups: np.ndarray, splits: Sequence[Split]) -> list[str]:
    notes = []
    shared = {name for s in splits for name in set(groups[s.train]) & set(groups[s.test])}
    if shared:
        notes.append(f"The given splits have {len(shared)} groups on both sides.")
    return notes
