"""What the model sees: real items as the reader shows them, and two views of some."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from unlabeled.contract import Preview
from unlabeled.report.gallery import uri
from unlabeled.report.rendering import render
from unlabeled.report.sections import Section
from unlabeled.report.seen import Seen

BYTES = 700_000
"""Of all large pictures and sounds; in the page a third more."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One preview as the page holds it."""

    caption: str
    uri: str
    sound: bool


@dataclass(frozen=True, slots=True)
class Card:
    """An item: its previews, those of its views, and what the method did: (title, previews)."""

    name: str
    shown: tuple[Shown, ...]
    views: tuple[tuple[Shown, ...], ...]
    work: tuple[tuple[str, tuple[Shown, ...]], ...] = ()
    note: str = ""


def items(seen: Seen | None) -> Section | None:
    """Nothing where no data were given."""
    if seen is None:
        return None
    budget = Budget(BYTES)
    cards = list(_cards(seen, budget))
    body = render("sections/items.html", cards=cards, seen=seen, left_out=budget.left_out)
    return Section("items", "What the model sees", body)


@dataclass(slots=True)
class Budget:
    """left: bytes; left_out: previews that did not fit."""

    left: int
    left_out: int = 0

    def take(self, previews: Sequence[Preview]) -> tuple[Shown, ...]:
        """Those that fit."""
        found = []
        for each in previews:
            if len(each.content) > self.left:
                self.left_out += 1
                continue
            self.left -= len(each.content)
            content = uri(each.content, each.format)
            found.append(Shown(each.caption, content, each.format == "wav"))
        return tuple(found)


def _cards(seen: Seen, budget: Budget) -> Iterator[Card]:
    for place, found in seen.full.items():
        # A picture that does not look at the sample is no picture of a view.
        views = [view for view in found.views if view and view != found.previews]
        pictures = [tuple(each for each in view if each.format != "wav") for view in views]
        shown = budget.take(found.previews)
        yield Card(
            seen.names[place],
            shown,
            tuple(budget.take(view) for view in pictures),
            tuple((title, budget.take(each)) for title, each in found.work),
            found.note,
        )
