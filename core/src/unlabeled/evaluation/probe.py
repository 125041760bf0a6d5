"""The built-in assessment: a probe is fitted on frozen embeddings of labelled training groups.

Scores are taken over the predictions of all test items together.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from pydantic import Field, field_validator

from unlabeled.contract import (
    Assessed,
    Assessment,
    Evaluator,
    LabelledItems,
    Predicted,
    Score,
    Source,
    Subject,
)
from unlabeled.errors import DataError
from unlabeled.evaluation.labelling import GivenLabels
from unlabeled.evaluation.probing import Predictions
from unlabeled.evaluation.protocol import Protocol, choose_probe, design
from unlabeled.settings import Settings

BOTH = {"roc_auc", "average_precision"}
"""The metrics of several labels of one item: where one is chosen, the other stands beside it."""


class Probe(Assessment):
    """The headline is the mean over targets; of several, each has a score of its own."""

    probe: dict[str, Any] | None = Field(
        None, description="{name: ridge, **settings}; inferred from the labels if unset"
    )
    folds: int = Field(5, ge=2, description="folds by group, where the labels give no split")

    @field_validator("probe")
    @classmethod
    def _names_a_probe(cls, probe: dict[str, Any] | None) -> dict[str, Any] | None:
        if probe is not None and not isinstance(probe.get("name"), str):
            raise ValueError("expected a section {name: PROBE, ...}")
        return probe

    def assess(
        self,
        subject: Subject,
        source: Source,  # noqa: ARG002
        labels: LabelledItems | None,
        rng: np.random.Generator,  # noqa: ARG002
    ) -> Assessed | None:
        assert isinstance(labels, GivenLabels)
        choice, why = choose_probe(labels, self.probe)
        design(labels, choice, self.folds)  # what cannot be done is said before items are read
        found = subject.embed(labels)
        if found is None:
            return None
        protocol = design(labels.take(found.places), choice, self.folds)
        predictions = protocol.predict(found.values)
        if subject.kind == "pretrained":
            _require_defined(protocol, predictions)
        about = {
            "task": protocol.probe.task,
            "probe": choice.to_dict(),
            "probe_because": why,
            "splits": protocol.described,
        }
        return Assessed(
            found.places[protocol.tested],
            protocol.groups[protocol.tested],
            _scores(protocol, predictions),
            about=about,
            notes=protocol.notes,
            width=found.values.shape[1],
            predicted=tuple(_predicted(each, protocol.tested) for each in predictions),
        )


def _predicted(each: Predictions, tested: np.ndarray) -> Predicted:
    """tested: (T,) positions."""
    target = each.target
    return Predicted(
        f"{target.name}: {target.label}" if target.label else target.name,
        target.classes,
        target.values[tested],
        each.predicted[tested],
        each.tested[tested],
    )


class _OfTargets:
    """The scores of all targets on a resample, which several `Score`s look at in turn.

    probe: by whose metric.
    """

    def __init__(
        self, probe: Evaluator, predictions: Sequence[Predictions], tested: np.ndarray
    ) -> None:
        self.probe, self.predictions, self.tested = probe, predictions, tested
        self.positions, self.found = np.empty(0, int), np.empty(0)

    def all(self, positions: np.ndarray) -> np.ndarray:
        """(targets,). positions: (n,) within the tested items."""
        if positions is not self.positions:  # all scores of a resample get one array
            self.positions = positions
            places = self.tested[positions]
            self.found = np.array([each.score(self.probe, places) for each in self.predictions])
        return self.found

    def mean(self, positions: np.ndarray) -> float:
        """Over the targets that define the metric; positions: (n,)."""
        scores = self.all(positions)
        defined = scores[~np.isnan(scores)]
        return float(defined.mean()) if len(defined) else float("nan")

    def of(self, target: int, positions: np.ndarray) -> float:
        return float(self.all(positions)[target])


def _scores(protocol: Protocol, predictions: Sequence[Predictions]) -> tuple[Score, ...]:
    scores = _by_metric(protocol, protocol.probe, predictions)
    several = any(target.label for target in protocol.targets)
    if several and protocol.probe.metric in BOTH and isinstance(protocol.probe, Settings):
        # Rare labels look good by area under the ROC curve, so their precision stands beside it.
        [other] = BOTH - {protocol.probe.metric}
        scores += _by_metric(
            protocol, protocol.probe.model_copy(update={"metric": other}), predictions
        )
    return scores


def _by_metric(
    protocol: Protocol, probe: Evaluator, predictions: Sequence[Predictions]
) -> tuple[Score, ...]:
    """The mean over targets, and where there are several each target's."""
    found = _OfTargets(probe, predictions, protocol.tested)
    mean = Score(probe.metric, found.mean)
    if len(protocol.targets) == 1:
        return (mean,)
    each = (
        Score(probe.metric, partial(found.of, place), at={"target": target.name})
        for place, target in enumerate(protocol.targets)
    )
    return mean, *each


def _require_defined(protocol: Protocol, predictions: Sequence[Predictions]) -> None:
    for each in predictions:
        if np.isnan(each.score(protocol.probe, protocol.tested)):
            raise DataError(
                f"target {each.target.name!r}: {protocol.probe.metric} is undefined, as the tested "
                "items have no labels or only one value. Leave the target out, or use other folds."
            )
