import io
import math
import wave

import numpy as np
import pytest
import torch

from unlabeled_audio.readers.pictures import previews_of, spectrogram
from unlabeled_audio.waveform import Waveform


def test_a_tone_is_a_bright_line_at_its_pitch_and_is_heard():
    rate = 8000
    values = 0.5 * torch.sin(2 * math.pi * 1000 * torch.arange(12 * rate) / rate)[None]
    picture, sound = previews_of(Waveform(values, rate))
    image = pytest.importorskip("PIL.Image")
    pixels = np.asarray(image.open(io.BytesIO(picture.content)))
    # 128 rows from 4,000 Hz on top to 0 at the bottom
    assert pixels.shape == (128, 299, 3)
    assert pixels.mean(axis=(1, 2)).argmax() == pytest.approx(128 * 3 / 4, abs=1)
    assert picture.caption.startswith("10.00 of 12.00 s from left to right, 0 to 4 kHz upwards")
    with wave.open(io.BytesIO(sound.content)) as file:
        assert (file.getframerate(), file.getnframes()) == (rate, 10 * rate)


def test_a_short_clip_fills_the_width_all_the_same():
    assert spectrogram(torch.rand(4000)).shape == (128, 291)


def test_a_clip_shorter_than_a_frame_is_shown():
    assert len(previews_of(Waveform(torch.zeros(1, 5), 8000))) == 2
