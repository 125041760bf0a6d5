"""A run as one HTML page that works offline and explains itself: its sections, in order."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from unlabeled.atomic import write_text
from unlabeled.errors import UsageError
from unlabeled.report.highlights import highlights
from unlabeled.report.rendering import render
from unlabeled.report.run_data import RunData
from unlabeled.report.sections import Section
from unlabeled.report.sections.data import data as about_data
from unlabeled.report.sections.details import details
from unlabeled.report.sections.evaluation import evaluation
from unlabeled.report.sections.items import items as some_items
from unlabeled.report.sections.map import Map, embedding_map, map_of
from unlabeled.report.sections.neighbours import neighbours
from unlabeled.report.sections.training import health, training
from unlabeled.report.sections.use import made, use
from unlabeled.report.sections.verdict import verdict
from unlabeled.report.seen import Seen, look


def report(
    run: Path | str,
    data: Path | str | None = None,
    labels: Path | str | None = None,
    *,
    show_private: bool = False,
) -> Path:
    """Write `report.html` into a run, finished or not, and return its path.

    data: embed and show items of it; labels: a table that colours them; show_private: show pictures
    and names of items also if they are about people.
    Raises RunError if this is no run, or a file of it cannot be read; DataError if there is nothing
    to show.
    """
    found = RunData.read(run)
    if labels is not None and data is None:
        raise UsageError("--labels colours the items of --data; give it too")
    seen = None
    if data is not None:
        table = Path(labels) if labels is not None else None
        seen = look(found, Path(data), table, show_private=show_private)
    path = found.folder.path / "report.html"
    write_text(path, page(found, seen))
    return path


def page(run: RunData, seen: Seen | None = None, *, live: str = "") -> str:
    """The whole page of one run. live: what it shows, of a page that looks for newer ones."""
    found = map_of(seen) if seen else None
    pictures = seen.gallery.pictures if seen else {}
    return str(
        render(
            "page.html",
            title=run.name,
            live=live,
            run=run,
            duration=str(timedelta(seconds=round(run.manifest.seconds))),
            verdict=verdict(run),
            pictures=highlights(run, seen, found),
            sections=list(_sections(run, seen, found)),
            sprites=render("sections/sprites.html", pictures=pictures),
        )
    )


def _sections(run: RunData, seen: Seen | None, found: Map | None) -> Iterator[Section]:
    every = (
        evaluation(run),
        details(run, seen),
        embedding_map(found, seen) if seen else None,
        neighbours(seen) if seen else None,
        some_items(seen),
        training(run),
        health(run),
        about_data(run),
        use(run),
        made(run),
    )
    return (each for each in every if each is not None)
