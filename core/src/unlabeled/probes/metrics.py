"""Metrics of probes; higher is better, NaN where undefined."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import normalized_mutual_info_score


def accuracy(target: np.ndarray, scores: np.ndarray) -> float:
    """The share of items whose class has the highest score.

    target: (N,) class numbers; scores: (N, C). Of equal scores the first class counts.
    """
    return float(np.mean(scores.argmax(1) == target))


def balanced_accuracy(target: np.ndarray, scores: np.ndarray) -> float:
    """The accuracy within each class, averaged over the classes in `target`.

    target: (N,) class numbers; scores: (N, C).
    """
    right = scores.argmax(1) == target
    return float(np.mean([right[target == label].mean() for label in np.unique(target)]))


def roc_auc(target: np.ndarray, scores: np.ndarray) -> float:
    """The area under the ROC curve of each class against the rest, averaged over classes.

    target: (N,) class numbers; scores: (N, C). Equal scores count half. NaN for one class alone.
    """
    labels = np.unique(target)
    if len(labels) < 2:
        return float("nan")
    return float(np.mean([_area(target == label, scores[:, label]) for label in labels]))


def average_precision(target: np.ndarray, scores: np.ndarray) -> float:
    """The area under the precision-recall curve: of the second of two classes, else of each class
    against the rest, averaged over classes.

    target: (N,) class numbers; scores: (N, C). NaN for one class alone.
    """
    labels = np.unique(target)
    if len(labels) < 2:
        return float("nan")
    judged = labels if scores.shape[1] > 2 else labels[1:]
    return float(np.mean([_precision(target == label, scores[:, label]) for label in judged]))


def nmi(target: np.ndarray, scores: np.ndarray) -> float:
    """Normalised mutual information of classes and predictions, in [0, 1], whatever their names.

    target: (N,) class numbers; scores: (N, C). Divided by the mean of the two entropies.
    """
    return float(normalized_mutual_info_score(target, scores.argmax(1)))


def r2(target: np.ndarray, predicted: np.ndarray) -> float:
    """1 - squared error / squared deviation from the mean of `target`; both (N,).

    NaN where all targets are equal.
    """
    deviation = np.square(target - target.mean()).sum()
    if deviation == 0:
        return float("nan")
    return float(1 - np.square(target - predicted).sum() / deviation)


def _area(positive: np.ndarray, scores: np.ndarray) -> float:
    """How often a positive outranks a negative (Mann and Whitney 1947)."""
    negatives = np.sort(scores[~positive])
    found = scores[positive]
    below = np.searchsorted(negatives, found, "left") + np.searchsorted(negatives, found, "right")
    return float(below.mean() / (2 * len(negatives)))


def _precision(positive: np.ndarray, scores: np.ndarray) -> float:
    """The precision at each score, weighted by how much recall rises there; equal scores are one
    step. As scikit-learn's, but for a thousand resamples of small samples ten times as fast."""
    order = np.argsort(-scores, kind="stable")
    ranked, hits = scores[order], positive[order].cumsum()
    last = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)
    rises = np.diff(hits[last], prepend=0) / hits[-1]
    return float((rises * hits[last] / (last + 1)).sum())


CLASSIFICATION = {
    "accuracy": accuracy,
    "balanced_accuracy": balanced_accuracy,
    "roc_auc": roc_auc,
    "average_precision": average_precision,
    "nmi": nmi,
}
