"""A run as one HTML page that works offline and explains itself."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined

from unlabeled.atomic import write_text
from unlabeled.errors import RunError
from unlabeled.evaluation.result import FORMAT, Evaluation, ScoreTable
from unlabeled.formats import require_format
from unlabeled.recipe import read_choice
from unlabeled.report.charts import Bar, curve, intervals
from unlabeled.report.previews import Previewed, previews_of
from unlabeled.run_folder import JsonLines, Manifest, RunFolder

MOST_LISTED = 20
"""Items left out that are shown by name; the count is always given."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A curve and what it shows. last: its last value."""

    name: str
    last: float
    svg: str


@dataclass(frozen=True, slots=True)
class Judged:
    """One evaluation as it is shown: its tables, each with a chart."""

    found: Evaluation
    tables: tuple[tuple[ScoreTable, str], ...]


def report(run: Path | str, data: Path | str | None = None, *, show_private: bool = False) -> Path:
    """Write `report.html` into a run, finished or not, and return its path.

    data: show previews of items of it; show_private: also if they are about people. Raises
    UsageError if they may not be shown, or cannot.
    Raises RunError if this is no run, or a file of it cannot be read.
    """
    folder = RunFolder(Path(run))
    manifest = folder.read()
    rows = list(JsonLines(folder.metrics).rows())
    left_out = list(JsonLines(folder.quarantine).rows())
    private = folder.private.is_dir()
    shown = [] if private else left_out
    page = _template().render(
        run=folder.path.resolve(),
        manifest=manifest,
        recipe=yaml.safe_dump(dict(manifest.recipe), sort_keys=False, allow_unicode=True),
        duration=str(timedelta(seconds=round(manifest.seconds))),
        losses=_figures(rows, ("loss",)),
        health=_figures(rows, ("health_",)),
        optimiser=_figures(rows, ("lr", "grad_norm")),
        collapsed=_last(rows, "health_collapsed"),
        judged=[_judged(path) for path in sorted((folder.path / "evaluation").glob("*.json"))],
        private=private,
        left_out=shown[:MOST_LISTED],
        left_out_count=len(left_out),
        reasons=Counter(str(entry.get("found", "")) for entry in shown).most_common(5),
        encoder=_encoder(folder),
        items=_items(manifest, data, show_private),
    )
    path = folder.path / "report.html"
    write_text(path, page)
    return path


def _items(manifest: Manifest, data: Path | str | None, show_private: bool) -> Previewed:
    if data is None:
        return Previewed()
    reader = read_choice("readers", manifest.recipe.get("reader"), "the run")
    return previews_of(reader, Path(data), private=show_private)


def _template() -> Any:
    environment = Environment(
        loader=PackageLoader("unlabeled.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html")


def _figures(rows: Sequence[Mapping[str, Any]], prefixes: tuple[str, ...]) -> list[Figure]:
    """A curve for every numeric column that starts so; health is not in every row."""
    names = dict.fromkeys(key for row in rows for key in row if key.startswith(prefixes))
    return [figure for name in names for figure in _figure(rows, name)]


def _figure(rows: Sequence[Mapping[str, Any]], name: str) -> list[Figure]:
    points = [
        (float(row["step"]), float(row[name]))
        for row in rows
        if isinstance(row.get(name), int | float) and not isinstance(row[name], bool)
    ]
    if not points:
        return []
    title = name.removeprefix("health_").replace("_", " ")
    svg = curve(f"{title} over steps", [x for x, _ in points], [y for _, y in points])
    return [Figure(title, points[-1][1], svg)]


def _last(rows: Sequence[Mapping[str, Any]], name: str) -> Any:
    return next((row[name] for row in reversed(rows) if row.get(name) is not None), None)


def _judged(path: Path) -> Judged:
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        require_format(fields["format"], FORMAT, path, RunError, "Delete it, or evaluate again")
        found = Evaluation.from_dict(fields)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(
            f"{path}: expected the result of unlabeled evaluate, found {error!r}. Delete it, or "
            "evaluate again."
        ) from error
    return Judged(found, tuple((table, _bars(table)) for table in (found.headline, *found.further)))


def _bars(table: ScoreTable) -> str:
    bars = [
        Bar(row.name, row.kind, row.score, row.interval.low, row.interval.high)
        for row in table.rows
        if row.score is not None and row.interval is not None
    ]
    return intervals(f"{table.heading} with 95 % intervals", bars) if bars else ""


def _encoder(folder: RunFolder) -> Mapping[str, Any] | None:
    """What the exported encoder says of itself; its plugin need not be installed here."""
    path = folder.encoder / "config.json"
    if not path.is_file():
        return None
    config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return config
