"""Several runs side by side: verdicts, what differs in their recipes, scores, curves."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unlabeled.atomic import write_text
from unlabeled.errors import UsageError
from unlabeled.report.charts import Bar, Line, curves, intervals
from unlabeled.report.rendering import render
from unlabeled.report.run_data import RunData
from unlabeled.report.sections import Section
from unlabeled.report.sections.training import Figure
from unlabeled.report.sections.verdict import Verdict, verdict

MOST_RUNS = 8
"""As many as there are colours."""
MOST_DIFFERENCES = 40


@dataclass(frozen=True, slots=True)
class Named:
    """A run under a name that no other has."""

    name: str
    run: RunData
    verdict: Verdict
    loss: float | None


def compare_runs(paths: Sequence[Path | str]) -> Path:
    """Write `comparison.html` into the first of several runs, and return its path.

    Raises UsageError for more runs than can be told apart, RunError for what is no run.
    """
    if len(paths) > MOST_RUNS:
        raise UsageError(f"{len(paths)} runs: expected at most {MOST_RUNS} on one page")
    found = [RunData.read(path) for path in paths]
    runs = [
        Named(name, run, verdict(run), run.last("loss"))
        for name, run in zip(_names(found), found, strict=True)
    ]
    sections = [
        Section("runs", "Runs", render("sections/runs.html", runs=runs)),
        _scores(runs),
        _curves(runs),
        _differences(runs),
    ]
    title = f"{len(runs)} runs side by side"
    names = [each.name for each in runs]
    path = found[0].folder.path / "comparison.html"
    page = render(
        "comparison.html", title=title, names=names, sections=sections, live="", sprites=""
    )
    write_text(path, str(page))
    return path


def _names(runs: Sequence[RunData]) -> list[str]:
    """Names of folders; of those that are called alike with as much of the path as tells them
    apart, numbered where they are one run."""
    parts = [run.folder.path.resolve().parts for run in runs]
    names = [own[-1] for own in parts]
    for depth in range(2, max(map(len, parts)) + 1):
        twice = {name for name, count in Counter(names).items() if count > 1}
        if not twice:
            return names
        names = [
            "/".join(p[-depth:]) if n in twice else n for n, p in zip(names, parts, strict=True)
        ]
    return [f"{name} ({n})" for n, name in enumerate(names, start=1)]


def _scores(runs: Sequence[Named]) -> Section:
    """A chart for each evaluation by name, metric and condition; of several runs, or of one."""
    charts: dict[str, list[Bar]] = {}
    for each in runs:
        for found in each.run.evaluations:
            for table in (found.headline, *found.further):
                row, condition = table.rows[0], f", {table.condition}" if table.condition else ""
                title = f"{found.title}: {table.heading}{condition}"
                if row.score is not None and row.interval is not None:
                    span = (row.interval.low, row.interval.high)
                    charts.setdefault(title, []).append(
                        Bar(each.name, "pretrained", row.score, *span)
                    )
    shown = [(title, intervals(title, bars)) for title, bars in charts.items()]
    return Section("scores", "Scores", render("sections/scores.html", shown=shown))


def _curves(runs: Sequence[Named]) -> Section:
    names = dict.fromkeys(
        key
        for each in runs
        for row in each.run.rows
        for key in row
        if key.startswith(("loss", "health_", "grad_norm", "lr"))
    )
    figures = [figure for name in names for figure in _figure(runs, name)]
    body = render("sections/curves.html", figures=figures, smoothing=True)
    return Section("curves", "Curves", body)


def _figure(runs: Sequence[Named], name: str) -> Iterator[Figure]:
    lines = [Line(each.name, *each.run.series(name)) for each in runs]
    points = max((len(line.x) for line in lines), default=0)
    chart = curves(f"{name} over steps", lines)
    if points > 1 and chart:
        title = name.removeprefix("health_").replace("_", " ")
        yield Figure(title, None, chart, points)


def _differences(runs: Sequence[Named]) -> Section:
    """Settings of the recipes that are not equal in all."""
    flat = [dict(_flat(each.run.manifest.recipe)) for each in runs]
    keys = dict.fromkeys(key for own in flat for key in own)
    rows = [
        (key, [own.get(key, "") for own in flat])
        for key in keys
        if len({own.get(key) for own in flat}) > 1
    ]
    body = render(
        "sections/differences.html",
        rows=rows[:MOST_DIFFERENCES],
        more=len(rows[MOST_DIFFERENCES:]),
        names=[each.name for each in runs],
    )
    return Section("differences", "What differs in the recipes", body)


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            yield f"{prefix}{key}", text
