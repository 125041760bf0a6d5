"""The four pictures of the first screen, from whatever the run has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from markupsafe import Markup

from unlabeled.report.rendering import render
from unlabeled.report.run_data import RunData
from unlabeled.report.sections.evaluation import bars
from unlabeled.report.sections.items import Budget
from unlabeled.report.sections.map import Map
from unlabeled.report.sections.training import figures_of
from unlabeled.report.seen import Seen

PICTURES = 4
BYTES = 250_000
"""Of the item on the first screen."""


@dataclass(frozen=True, slots=True)
class Picture:
    """section: the key of the section that tells more."""

    title: str
    section: str
    body: Markup


def highlights(run: RunData, seen: Seen | None = None, map: Map | None = None) -> list[Picture]:
    """At most four, what was learnt before how it went."""
    return list(islice(_candidates(run, seen, map), PICTURES))


def _candidates(run: RunData, seen: Seen | None, map: Map | None) -> Iterator[Picture]:
    for found in run.evaluations[:1]:
        if chart := bars(found.headline):
            yield Picture(f"{found.title}: {found.headline.heading}", "evaluation", chart)
    if map is not None:
        colour = f", coloured by {map.columns[0].name}" if map.columns else ""
        yield Picture(f"Map of the embeddings{colour}", "map", map.picture)
    if seen is not None:
        yield from _item(seen)
    for prefix, section in CURVES:
        for figure in figures_of(run, (prefix,))[:1]:
            if figure.points > 1:
                yield Picture(f"{figure.name} over steps", section, figure.svg)


CURVES = (
    ("loss", "training"),
    ("health_effective_rank", "health"),
    ("health_feature_std", "health"),
    ("grad_norm", "training"),
    ("lr", "training"),
)


def _item(seen: Seen) -> Iterator[Picture]:
    """The first item that has a picture; with its sound, if it has one."""
    for place, found in seen.full.items():
        if any(each.format != "wav" for each in found.previews):
            shown, name = Budget(BYTES).take(found.previews), seen.names[place]
            pictures = [each for each in shown if not each.sound]
            sounds = [each for each in shown if each.sound]
            few = [*pictures[:1], *sounds[:1]]
            body = render("sections/item.html", shown=few, name=name)
            yield Picture(f"What the model sees: {name}", "items", body)
            return
