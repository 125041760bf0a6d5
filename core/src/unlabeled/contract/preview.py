"""The preview: a picture or sound of a sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Format = Literal["png", "svg", "wav"]
LARGEST_PREVIEW = 1_000_000
"""Bytes of a preview; a larger one is not shown."""


@dataclass(frozen=True, slots=True)
class Preview:
    """A picture or a sound. content: a whole file of that format; caption: what it is and its
    range, in the units of the sample, as plain text."""

    content: bytes
    format: Format
    caption: str


@dataclass(frozen=True, slots=True)
class Work:
    """What a method did with one sample. columns: (title, previews), 2 to 4 of them, to be seen
    side by side: ("hidden", …), ("reconstructed", …), ("true", …); note: what a viewer must know.
    """

    columns: tuple[tuple[str, Sequence[Preview]], ...]
    note: str = ""
