"""How well a column can be predicted from the embedding: a site that shows is a warning."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from sklearn.model_selection import StratifiedKFold

from unlabeled.evaluation.bootstrap import Interval, interval, resamples_of
from unlabeled.probes import metrics
from unlabeled.probes.logistic import path
from unlabeled.probes.ridge import Ridge
from unlabeled.probes.splits import Split, leave_groups_out
from unlabeled.report.columns import Column

FOLDS = 5
FEWEST = 5
"""Items of a class; rarer ones take no part."""
LARGEST = 20
"""Classes; of more the commonest."""
C = 0.1
"""Of the logistic probe, on standardised columns: chosen once, as nothing is compared by it."""
RESAMPLES = 200


@dataclass(frozen=True, slots=True)
class Separability:
    """score: AUC of each class against the rest, averaged (0.5 is chance), or R² of a quantity (0
    is chance); whole_groups: whether groups were left out, or items."""

    name: str
    role: str
    metric: str
    score: float
    interval: Interval
    classes: int
    items: int
    whole_groups: bool


def separability(vectors: np.ndarray, column: Column, groups: np.ndarray) -> Separability | None:
    """By a linear probe in five folds. vectors: (N, D); groups: (N,) names; None without enough
    items.

    Whole groups are left out, but not where the column is the group itself, or where a class lies
    in one group alone and so could not be predicted.
    """
    kept = _kept(column)
    if len(kept) < 2 * FOLDS:
        return None
    x, groups = vectors[kept], groups[kept]
    if column.values is not None:
        return _of_quantity(column, x, column.values[kept], groups)
    _, target = np.unique(column.codes[kept], return_inverse=True)
    if target.max() == 0:
        return None
    by_group = column.role != "group" and _crosses(target, groups)
    splits = leave_groups_out(groups, FOLDS) if by_group else _by_item(target)
    if any(len(np.unique(target[split.train])) < 2 for split in splits):
        return None
    scores = np.zeros((len(x), int(target.max()) + 1))
    for split in splits:
        scores[split.test] = next(
            path(x[split.train], target[split.train], x[split.test], [C], scores.shape[1])
        )
    return _result(column, "AUC", target, scores, groups, by_group)


def _of_quantity(
    column: Column, x: np.ndarray, values: np.ndarray, groups: np.ndarray
) -> Separability | None:
    if len(np.unique(groups)) < 2:
        return None
    found = np.zeros(len(x))
    for split in leave_groups_out(groups, FOLDS):
        train = split.train
        found[split.test] = Ridge().predict(x[train], values[train], groups[train], x[split.test])
    return _result(column, "R²", values, found, groups, whole_groups=True)


def _result(
    column: Column,
    metric: str,
    target: np.ndarray,
    found: np.ndarray,
    groups: np.ndarray,
    whole_groups: bool,
) -> Separability:
    score = partial(_score, metric, target, found)
    units = groups if whole_groups else np.arange(len(target))
    drawn = np.array([score(at) for at in resamples_of(units, resamples=RESAMPLES)])
    return Separability(
        column.name,
        column.role,
        metric,
        score(np.arange(len(target))),
        interval(drawn),
        0 if metric == "R²" else int(target.max()) + 1,
        len(target),
        whole_groups,
    )


def _score(metric: str, target: np.ndarray, found: np.ndarray, at: np.ndarray) -> float:
    return (metrics.r2 if metric == "R²" else metrics.roc_auc)(target[at], found[at])


def _kept(column: Column) -> np.ndarray:
    """Positions (n,) of the items that take part."""
    if column.values is not None:
        return np.flatnonzero(np.isfinite(column.values))
    counts = np.bincount(column.codes[column.codes >= 0])
    large = [n for n in np.argsort(-counts, kind="stable")[:LARGEST] if counts[n] >= FEWEST]
    return np.flatnonzero(np.isin(column.codes, large))


def _crosses(target: np.ndarray, groups: np.ndarray) -> bool:
    """Whether every class is in several groups."""
    return all(len(np.unique(groups[target == each])) > 1 for each in np.unique(target))


def _by_item(target: np.ndarray) -> list[Split]:
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(target, target)
    return [Split(train, test) for train, test in folds]
