import base64

import numpy as np

from unlabeled.contract import Preview
from unlabeled.pictures import png
from unlabeled.report import gallery as module
from unlabeled.report.gallery import SIDES, Gallery, uri


def picture(side=300):
    levels = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
    return Preview(png(levels), "png", "noise")


def test_a_picture_is_made_small_and_sound_is_none():
    found = Gallery()
    found.add(3, (Preview(b"RIFF", "wav", "sound"), picture()))
    found.add(4, (Preview(b"RIFF", "wav", "sound"),))
    assert list(found.pictures) == [3]
    kind, content = found.pictures[3].split(",")
    assert kind == "data:image/png;base64"
    raw = base64.b64decode(content)
    assert int.from_bytes(raw[16:20]) <= SIDES[0]
    assert len(raw) < len(picture().content) / 5


def test_sixty_pictures_of_noise_fit_and_what_is_beyond_is_counted(monkeypatch):
    found = Gallery()
    for place in range(60):
        found.add(place, (picture(),))
    assert (len(found.pictures), found.left_out) == (60, 0)
    assert sum(map(len, found.pictures.values())) <= 4 / 3 * module.BYTES + 60 * 40
    monkeypatch.setattr(module, "BYTES", 10)
    small = Gallery()
    small.add(0, (picture(),))
    assert (small.pictures, small.left_out) == ({}, 1)


def test_a_uri_asks_nobody():
    assert uri(b"<svg/>", "svg") == "data:image/svg+xml;base64,PHN2Zy8+"
