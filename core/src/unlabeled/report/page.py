"""A run as one HTML page that works offline and explains itself: its sections, in order."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from unlabeled.atomic import write_text
from unlabeled.recipe import read_choice
from unlabeled.report.highlights import highlights
from unlabeled.report.previews import Previewed, previews_of
from unlabeled.report.rendering import render
from unlabeled.report.run_data import RunData
from unlabeled.report.sections import Section
from unlabeled.report.sections.data import data as about_data
from unlabeled.report.sections.evaluation import evaluation
from unlabeled.report.sections.items import items as some_items
from unlabeled.report.sections.training import health, training
from unlabeled.report.sections.use import made, use
from unlabeled.report.sections.verdict import verdict


def report(run: Path | str, data: Path | str | None = None, *, show_private: bool = False) -> Path:
    """Write `report.html` into a run, finished or not, and return its path.

    data: show previews of items of it; show_private: also if they are about people. Raises
    UsageError if they may not be shown, or cannot.
    Raises RunError if this is no run, or a file of it cannot be read.
    """
    found = RunData.read(run)
    path = found.folder.path / "report.html"
    write_text(path, page(found, _items(found, data, show_private)))
    return path


def page(run: RunData, items: Previewed) -> str:
    """The whole page of one run."""
    return str(
        render(
            "page.html",
            run=run,
            duration=str(timedelta(seconds=round(run.manifest.seconds))),
            verdict=verdict(run),
            pictures=highlights(run, items),
            sections=list(_sections(run, items)),
        )
    )


def _sections(run: RunData, items: Previewed) -> Iterator[Section]:
    every = (
        evaluation(run),
        some_items(items),
        training(run),
        health(run),
        about_data(run),
        use(run),
        made(run),
    )
    return (each for each in every if each is not None)


def _items(run: RunData, data: Path | str | None, show_private: bool) -> Previewed:
    if data is None:
        return Previewed()
    reader = read_choice("readers", run.manifest.recipe.get("reader"), "the run")
    return previews_of(reader, Path(data), private=show_private)
