"""The four pictures of the first screen, from whatever the run has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from markupsafe import Markup

from unlabeled.report.previews import Previewed
from unlabeled.report.rendering import render
from unlabeled.report.run_data import RunData
from unlabeled.report.sections.evaluation import bars
from unlabeled.report.sections.training import figures_of

PICTURES = 4


@dataclass(frozen=True, slots=True)
class Picture:
    """section: the key of the section that tells more."""

    title: str
    section: str
    body: Markup


def highlights(run: RunData, items: Previewed) -> list[Picture]:
    """At most four, what was learnt before how it went."""
    return list(islice(_candidates(run, items), PICTURES))


def _candidates(run: RunData, items: Previewed) -> Iterator[Picture]:
    for found in run.evaluations[:1]:
        if chart := bars(found.headline):
            yield Picture(f"{found.title}: {found.headline.heading}", "evaluation", chart)
    pictures = [each for each in items.shown if not each.sound]
    if pictures:
        body = render("sections/item.html", item=pictures[0])
        yield Picture("What the model sees", "items", body)
    for prefix, section in (
        ("loss", "training"),
        ("health_effective_rank", "health"),
        ("health_feature_std", "health"),
        ("lr", "training"),
    ):
        for figure in figures_of(run, (prefix,))[:1]:
            yield Picture(f"{figure.name} over steps", section, figure.svg)
