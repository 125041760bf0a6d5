"""How good the run is at labelled tasks: each table with a chart of its intervals."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from unlabeled.evaluation.result import Evaluation, ScoreTable
from unlabeled.report.charts import Bar, intervals
from unlabeled.report.conditions import Curves, curves_of
from unlabeled.report.rendering import render
from unlabeled.report.run_data import RunData
from unlabeled.report.sections import Section


@dataclass(frozen=True, slots=True)
class Shown:
    """One evaluation with its tables, each with a chart, and curves over numeric conditions."""

    found: Evaluation
    tables: tuple[tuple[ScoreTable, Markup], ...]
    curves: tuple[Curves, ...]


def evaluation(run: RunData) -> Section:
    """All evaluations of the run, or how to make one."""
    shown = [Shown(each, _tables(each), _curves(each)) for each in run.evaluations]
    body = render("sections/evaluation.html", shown=shown, restores=run.restores)
    return Section("evaluation", "Evaluation", body)


def bars(table: ScoreTable) -> Markup:
    """The scores of everybody, with intervals."""
    found = [
        Bar(row.name, row.kind, row.score, row.interval.low, row.interval.high)
        for row in table.rows
        if row.score is not None and row.interval is not None
    ]
    return intervals(f"{table.heading} with 95 % intervals", found) if found else Markup()


def _tables(found: Evaluation) -> tuple[tuple[ScoreTable, Markup], ...]:
    return tuple((table, bars(table)) for table in (found.headline, *found.further))


def _curves(found: Evaluation) -> tuple[Curves, ...]:
    return tuple(curves_of([found.headline, *found.further]))
