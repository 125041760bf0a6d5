"""What was read, and what was left out and why."""

from __future__ import annotations

from collections import Counter

from unlabeled.report.rendering import render
from unlabeled.report.run_data import RunData
from unlabeled.report.sections import Section

MOST_LISTED = 20
"""Items left out that are shown by name; the count is always given."""


def data(run: RunData) -> Section:
    """The items of the run; of private data no names."""
    shown = [] if run.private else run.left_out
    body = render(
        "sections/data.html",
        run=run,
        left_out=shown[:MOST_LISTED],
        reasons=Counter(str(entry.get("found", "")) for entry in shown).most_common(5),
    )
    return Section("data", "Data", body)
