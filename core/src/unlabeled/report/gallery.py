"""Pictures of a page: small ones, each held once, within a number of bytes."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field

from unlabeled.contract import Preview
from unlabeled.pictures import smaller

SIDES = (112, 88, 64)
"""Pixels of the longer side of a small picture: the first at which it has at most EACH bytes."""
EACH = 13_000
BYTES = 800_000
"""Of all small pictures together; in the page a third more."""
TYPES = {"png": "image/png", "svg": "image/svg+xml", "wav": "audio/wav"}


def uri(content: bytes, kind: str) -> str:
    """`data:`, which asks nobody."""
    return f"data:{TYPES[kind]};base64,{base64.b64encode(content).decode()}"


@dataclass(slots=True)
class Gallery:
    """Small pictures by item: (its position, the URI). left_out: those beyond `BYTES`."""

    pictures: dict[int, str] = field(default_factory=dict)
    left_out: int = 0
    _bytes: int = 0

    def add(self, place: int, previews: tuple[Preview, ...]) -> None:
        """Take the first picture of an item, made small; nothing where it has only sound."""
        shown = next((each for each in previews if each.format != "wav"), None)
        if shown is None:
            return
        content = _small(shown.content) if shown.format == "png" else shown.content
        if self._bytes + len(content) > BYTES:
            self.left_out += 1
            return
        self._bytes += len(content)
        self.pictures[place] = uri(content, shown.format)


def _small(content: bytes) -> bytes:
    made = content
    for side in SIDES:
        made = smaller(content, side)
        if len(made) <= EACH:
            return made
    return made
