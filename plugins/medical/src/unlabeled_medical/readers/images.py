"""Flat images: PNG, JPEG, TIFF and BMP, grey or in colour, without a size in mm."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from unlabeled.errors import UnreadableItem
from unlabeled_medical.readers.header import Header, Stored

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")
COMPANIONS = ()
GREY = {"1", "L", "I", "F", "I;16", "I;16B", "I;16L", "LA"}


def header(files: Sequence[Path]) -> Header:
    """Rows, then columns. Raises UnreadableItem."""
    from PIL import Image

    try:
        with Image.open(files[0]) as image:
            colour = image.mode not in GREY
            shape = (image.height, image.width, 1)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UnreadableItem(str(files[0]), "an image", _words(error)) from error
    return Header(shape, np.eye(4), 3 if colour else 1, colour=colour, spaced=False)


def load(files: Sequence[Path]) -> Stored:
    """Grey as stored, colours as 8-bit red, green, blue. Raises UnreadableItem."""
    from PIL import Image

    try:
        with Image.open(files[0]) as image:
            grey = "L" if image.mode in ("1", "LA") else image.mode
            pixels = np.asarray(image.convert(grey if image.mode in GREY else "RGB"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UnreadableItem(str(files[0]), "a complete image", _words(error)) from error
    return Stored(pixels.reshape(*pixels.shape[:2], 1, -1))


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
