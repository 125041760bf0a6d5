"""Curves over the steps: the loss and its terms, the learning rate, the gradient, health."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from unlabeled.report.charts import curve
from unlabeled.report.rendering import render
from unlabeled.report.run_data import RunData
from unlabeled.report.sections import Section

HEALTH = {
    "health_feature_std": "Spread: 1 when embeddings point everywhere, 0 when they are one point.",
    "health_effective_rank": "RankMe: about how many directions the embeddings use.",
    "health_centred_rank": "The same without their mean.",
    "health_uniformity": "Lower is more evenly spread over the sphere; 0 is a single point.",
}
"""What a measure means, in a line."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A curve and what it shows. last: its last value, None of several lines; points: that it has;
    meaning: in a line, or nothing."""

    name: str
    last: float | None
    svg: Markup
    points: int
    meaning: str = ""


def training(run: RunData) -> Section:
    """The loss, its terms and what steers the optimiser."""
    figures = figures_of(run, ("loss", "lr", "grad_norm"))
    return Section(
        "training", "Training", render("sections/curves.html", figures=figures, smoothing=True)
    )


def health(run: RunData) -> Section | None:
    """Whether embeddings still differ; nothing for a run that was not looked at."""
    figures = figures_of(run, ("health_",))
    if not figures:
        return None
    body = render("sections/curves.html", figures=figures, smoothing=False)
    return Section("health", "Health", body)


def figures_of(run: RunData, prefixes: tuple[str, ...]) -> list[Figure]:
    """A curve for every numeric column that starts so; health is not in every row."""
    names = dict.fromkeys(key for row in run.rows for key in row if key.startswith(prefixes))
    order = sorted(names, key=lambda name: _rank(name, prefixes))
    return [figure for name in order for figure in _figure(run, name)]


def _rank(name: str, prefixes: tuple[str, ...]) -> tuple[int, bool]:
    """The whole before its terms."""
    place = next(place for place, prefix in enumerate(prefixes) if name.startswith(prefix))
    return place, name != prefixes[place]


def _figure(run: RunData, name: str) -> list[Figure]:
    steps, values = run.series(name)
    if not steps:
        return []
    title = name.removeprefix("health_").replace("_", " ")
    svg = curve(f"{title} over steps", steps, values)
    return [Figure(title, values[-1], svg, len(values), HEALTH.get(name, ""))]
