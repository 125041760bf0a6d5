import io
import wave

import numpy as np
import pytest

from unlabeled.pictures import SIDE, contrast, grey_levels, heat, png, smaller, wav


def decoded(content):
    image = pytest.importorskip("PIL.Image")
    return np.asarray(image.open(io.BytesIO(content)))


@pytest.mark.parametrize("shape", [(5, 9), (7, 3, 3)])
def test_another_library_reads_the_same_pixels(shape):
    levels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    assert (decoded(png(levels)) == levels).all()


def test_large_pictures_are_thinned_out():
    levels = np.arange(1000 * 700, dtype=np.int64).reshape(1000, 700).astype(np.uint8)
    found = decoded(png(levels))
    assert max(found.shape) <= SIDE
    assert (found == levels[::4, ::4]).all()


def test_grey_runs_from_low_to_high_and_what_is_missing_is_black():
    values = np.array([-1.0, 0.0, 5.0, 10.0, 99.0, np.nan, np.inf])
    assert grey_levels(values, 0, 10).tolist() == [0, 0, 128, 255, 255, 0, 255]
    assert grey_levels(np.ones(2), 1, 1).tolist() == [0, 0]


def test_contrast_leaves_outliers_and_gaps_out():
    assert contrast(np.append(np.arange(101.0), [np.nan, np.inf])) == pytest.approx((2, 98))
    assert contrast(np.array([np.nan])) == (0, 0)


def test_sound_is_read_back_and_clipped():
    with wave.open(io.BytesIO(wav(np.array([0.0, 0.5, -1.0, 3.0]), 8000))) as file:
        assert (file.getframerate(), file.getnchannels()) == (8000, 1)
        found = np.frombuffer(file.readframes(9), "<i2")
    assert found.tolist() == [0, 16384, -32767, 32767]


@pytest.mark.parametrize("shape", [(300, 120), (90, 300, 3)])
def test_a_smaller_picture_is_the_mean_of_blocks(shape):
    levels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    found = decoded(smaller(png(levels), 100)).astype(float)
    assert found.shape[:2] == (shape[0] // 3, shape[1] // 3)
    assert found[0, 0] == pytest.approx(levels[:3, :3].mean((0, 1)), abs=0.6)


def test_what_is_small_or_foreign_stays_as_it_is():
    small = png(np.zeros((5, 5), np.uint8))
    assert smaller(small, 100) is small
    for content in (b"no", b"\x89PNG\r\n\x1a\n" + b"x" * 60, small[:45]):
        assert smaller(content, 2) == content


def test_a_picture_that_claims_to_be_huge_is_not_unpacked():
    bomb = bytearray(png(np.zeros((300, 300), np.uint8)))
    bomb[16:24] = (2**31 - 1).to_bytes(4) * 2
    assert smaller(bytes(bomb), 10) == bytes(bomb)


def test_heat_runs_from_black_to_bright():
    colours = heat(np.array([[0, 128, 255]], np.uint8))
    assert colours.shape == (1, 3, 3)
    assert (np.diff(colours.astype(int).sum(2)) > 0).all()
