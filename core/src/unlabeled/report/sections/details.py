"""Per class and per item: confusion, AUC, calibration, the worst items, and group by group."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from unlabeled.evaluation.result import Evaluation
from unlabeled.report.by_class import (
    Calibration,
    OfClass,
    OfValue,
    by_class,
    calibration,
    confusion,
    cuts,
    score_of,
)
from unlabeled.report.charts import against
from unlabeled.report.predictions import Target
from unlabeled.report.rendering import render
from unlabeled.report.run_data import RunData
from unlabeled.report.sections import Section
from unlabeled.report.seen import Seen

WORST = 12
MOST_TARGETS = 12


@dataclass(frozen=True, slots=True)
class Worst:
    """place: among the items that are shown, -1 if it is not; said: as it is and as it was
    predicted."""

    name: str
    place: int
    picture: bool
    truth: str
    predicted: str
    wrong: float


@dataclass(frozen=True)
class Shown:
    """One target of one evaluation as the page shows it."""

    title: str
    target: Target
    metric: str
    classes: Sequence[OfClass]
    confusion: tuple[list[str], np.ndarray] | None
    calibration: Calibration | None
    chart: Markup
    cuts: Sequence[tuple[str, list[OfValue]]]
    worst: Sequence[Worst]
    private: bool


def details(run: RunData, seen: Seen | None) -> Section | None:
    """Nothing without predictions."""
    show_names = not run.private or (seen is not None and seen.private and not seen.hidden)
    shown = [
        _shown(found, target, seen, show_names=show_names)
        for found, targets in zip(run.evaluations, run.predictions, strict=True)
        for target in targets[:MOST_TARGETS]
        if len(target.truth)
    ]
    if not shown:
        return None
    return Section(
        "details", "By class, group and item", render("sections/details.html", shown=shown)
    )


def _shown(found: Evaluation, target: Target, seen: Seen | None, *, show_names: bool) -> Shown:
    metric, _ = score_of(target)
    classes = bool(target.classes)
    sure = calibration(target) if classes else None
    return Shown(
        title=f"{target.name} ({found.name})",
        target=target,
        metric=metric,
        classes=by_class(target) if classes else (),
        confusion=confusion(target) if classes else None,
        calibration=sure,
        chart=_chart(target, sure),
        cuts=[(name, _named(name, values, show_names)) for name, values in cuts(target)],
        worst=list(_worst(target, seen)) if show_names else (),
        private=not show_names,
    )


def _named(column: str, values: list[OfValue], show_names: bool) -> list[OfValue]:
    """Groups of private data are numbered: their pseudonyms are of no use to a reader."""
    if show_names or column != "group":
        return values
    return [
        OfValue(f"group {n}", each.count, each.groups, each.score, each.interval)
        for n, each in enumerate(values, start=1)
    ]


def _chart(target: Target, sure: Calibration | None) -> Markup:
    if target.classes:
        if sure is None:
            return Markup()
        points = [(confidence, accuracy) for confidence, accuracy, _ in sure.points]
        weights = np.sqrt([count / len(target.truth) for _, _, count in sure.points])
        return against("Calibration", points, "confidence", "accuracy", weights, span=(0.0, 1.0))
    values = np.concatenate([target.truth, target.scores])
    points = list(zip(target.truth.tolist(), target.scores.tolist(), strict=True))
    span = (float(values.min()), float(values.max()))
    return against("Predicted and true", points, "true", "predicted", None, span=span)


def _worst(target: Target, seen: Seen | None) -> Iterator[Worst]:
    places = seen.place_of if seen else {}
    for n in target.worst[:WORST].tolist():
        name = str(target.items[n])
        place = places.get(name, -1)
        if seen is not None and place >= 0:
            name = seen.names[place]  # instead of a pseudonym
        picture = seen is not None and place in seen.gallery.pictures
        if target.classes:
            truth = target.classes[target.truth[n]]
            predicted = target.classes[int(target.scores[n].argmax())]
        else:
            truth, predicted = f"{target.truth[n]:.4g}", f"{target.scores[n]:.4g}"
        yield Worst(name, place, picture, truth, predicted, float(target.wrong[n]))
