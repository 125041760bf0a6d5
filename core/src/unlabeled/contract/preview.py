"""The preview: a picture or sound of a sample."""

from __future__ import annotations

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
