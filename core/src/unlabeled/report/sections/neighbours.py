"""A dozen items with what lies nearest to them: what the encoder takes for alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unlabeled.report.rendering import render
from unlabeled.report.sections import Section
from unlabeled.report.seen import Seen


@dataclass(frozen=True, slots=True)
class Tile:
    """One item. tags: what it shares with the query, or its values where it is the query."""

    place: int
    name: str
    picture: bool
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Line:
    query: Tile
    near: tuple[Tile, ...]


def neighbours(seen: Seen) -> Section | None:
    """Nothing without embeddings."""
    if not seen.near:
        return None
    lines = [
        Line(
            _tile(seen, each.query, _values(seen, each.query)),
            tuple(
                _tile(seen, place, (f"{similarity:.2f}", *_shared(seen, each.query, place)))
                for place, similarity in zip(each.places, each.similarity, strict=True)
            ),
        )
        for each in seen.near
    ]
    body = render("sections/neighbours.html", lines=lines, seen=seen, agreement=_agreement(seen))
    return Section("neighbours", "Nearest neighbours", body)


def _tile(seen: Seen, place: int, tags: tuple[str, ...]) -> Tile:
    return Tile(place, seen.names[place], place in seen.gallery.pictures, tags)


def _values(seen: Seen, place: int) -> tuple[str, ...]:
    return tuple(
        f"{each.name} {each.classes[each.codes[place]]}"
        for each in seen.columns
        if each.role != "metadata" and not each.quantity and each.codes[place] >= 0
    )


def _shared(seen: Seen, query: int, place: int) -> tuple[str, ...]:
    """Labels that are the same, or not; and whether the group is."""
    found = []
    for each in seen.columns:
        if each.role == "metadata" or each.quantity or min(each.codes[[query, place]]) < 0:
            continue
        same = each.codes[query] == each.codes[place]
        if each.role == "label":
            found.append(f"same {each.name}" if same else f"other {each.name}")
        elif same:
            found.append("same group")
    return tuple(found)


def _agreement(seen: Seen) -> str:
    """ "digit 71 %, group 80 %": of the neighbours that are shown, so many share it."""
    pairs = np.array([(n.query, place) for n in seen.near for place in n.places])
    shares = []
    for each in seen.columns:
        codes = each.codes[pairs]
        known = codes.min(1) >= 0
        if each.role == "metadata" or each.quantity or not known.any():
            continue
        same = (codes[:, 0] == codes[:, 1])[known]
        shares.append(f"{each.name} {same.mean():.0%}")
    return ", ".join(shares)
