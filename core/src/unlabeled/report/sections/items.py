"""What the model sees: real items, as the reader shows them."""

from __future__ import annotations

from unlabeled.report.previews import Previewed
from unlabeled.report.rendering import render
from unlabeled.report.sections import Section


def items(found: Previewed) -> Section | None:
    """Nothing where no data were given."""
    if not (found.shown or found.notes):
        return None
    return Section("items", "What the model sees", render("sections/items.html", items=found))
