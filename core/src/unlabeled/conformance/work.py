"""Clause P10: what a pretext shows of its work is what it did."""

from __future__ import annotations

import copy
from collections.abc import Iterator

from unlabeled import discovery
from unlabeled.conformance.check import Check, Clause, checks_of, require
from unlabeled.conformance.comparison import difference
from unlabeled.conformance.fixture import Fixture
from unlabeled.contract import Previews, ShowsWork, Work
from unlabeled.contract.preview import LARGEST_PREVIEW
from unlabeled.randomness import Draw

WORK = Clause(
    "P10",
    "work",
    "What a pretext shows of its work are 2 to 4 titled columns of small pictures with captions, "
    "which differ from one another, the same for the same draw; the sample stays as it was.",
    "the truth drawn in place of what the untrained method made of it, or values changed in place",
)
FEWEST, MOST = 2, 4


def checks(fixture: Fixture) -> Iterator[Check]:
    """The check of every pretext that shows its work, where its recipe's reader draws samples."""
    for name in fixture.pretext_names():
        recipes = fixture.recipes_with("pretext", name)
        draws = any(isinstance(fixture.reader(r.reader), Previews) for r in recipes)
        if draws and issubclass(discovery.load("pretexts", name), ShowsWork):
            yield from checks_of(f"pretexts/{fixture.short(name)}", {WORK: _work}, fixture, name)


def _work(fixture: Fixture, name: str) -> None:
    recipes = fixture.recipes_with("pretext", name)
    recipe = min(
        (r for r in recipes if isinstance(fixture.reader(r.reader), Previews)), key=fixture.size_of
    )
    reader, item = fixture.reader(recipe.reader), fixture.items(recipe.reader)[0]
    pretext = fixture.pretext(recipe).eval()
    assert isinstance(reader, Previews)
    assert isinstance(pretext, ShowsWork)
    draw = Draw.of(item, 0, 0)
    sample = reader.read(item, draw.rng("read"))
    before = copy.deepcopy(sample)
    shown = pretext.show_work(item, sample, draw, reader)
    seen = difference(before, sample)
    require(not seen, f"the sample changed, {seen}")
    if shown is None:  # this encoder cannot draw its patches
        return
    _require_pictures(shown)
    again = pretext.show_work(item, sample, draw, reader)
    require(shown == again, "two calls with one draw show other things")


def _require_pictures(shown: Work) -> None:
    count = len(shown.columns)
    require(FEWEST <= count <= MOST, f"{count} columns; expected {FEWEST} to {MOST}")
    for title, previews in shown.columns:
        require(title.strip() and len(previews), "a column without a title or a picture")
        require(all(each.caption.strip() for each in previews), "a picture without a caption")
        sizes = [len(each.content) for each in previews]
        require(max(sizes) <= LARGEST_PREVIEW, f"{max(sizes)} bytes in a picture")
    pictures = {tuple(each.content for each in previews) for _, previews in shown.columns}
    require(len(pictures) == count, "two columns show the same")
