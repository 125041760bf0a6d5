"""MP3 files without a table of their length: neither end nor beginning is lost."""

import numpy as np
import pytest
import soundfile

from unlabeled_audio.readers.decoding import decode, read_header
from unlabeled_audio.readers.mpeg import measured

RATES = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)


def noise(seconds, loudness):
    rng = np.random.default_rng(0)
    time = np.arange(round(seconds * 44_100)) / 44_100
    tone = np.sin(2 * np.pi * 440 * time * (1 + 0.2 * np.sin(6 * np.pi * time)))
    return loudness * (0.3 * tone + 0.1 * rng.standard_normal(len(time)))


def without_length(path, wave):
    """An MP3 with a variable bit rate, without the frame that says how long it is."""
    soundfile.write(path, wave, 44_100, format="MP3", bitrate_mode="VARIABLE")
    whole = path.read_bytes()
    first = 144_000 * RATES[whole[2] >> 4] // 44_100 + (whole[2] >> 1 & 1)
    path.write_bytes(whole[first:])


@pytest.mark.parametrize("quiet_first", [True, False])
def test_a_wrong_guess_of_the_length_loses_nothing(tmp_path, quiet_first):
    path = tmp_path / "v.mp3"
    parts = [noise(4, 0), noise(4, 1)]
    wave = np.concatenate(parts if quiet_first else parts[::-1])
    without_length(path, wave)
    guess = soundfile.info(path).frames
    assert guess > 1.5 * len(wave) or guess < len(wave) / 1.5  # what libsndfile alone thinks
    header = read_header(path)
    assert header.counted
    assert abs(header.frames - len(wave)) < 2304
    values = decode(path, 0, header.frames)[:, 0]
    halves = values[4410:172_000], values[180_000:-4410]
    quiet, loud = halves if quiet_first else halves[::-1]
    assert np.abs(quiet).max() < 0.01 < 0.2 < loud.std()
    last = decode(path, header.frames - 1000, 1000)[:, 0]
    np.testing.assert_allclose(last, values[-1000:], atol=1e-6)


def test_files_that_say_their_length_are_left_alone(tmp_path):
    soundfile.write(tmp_path / "x.mp3", noise(1, 1), 44_100, format="MP3")
    assert measured(tmp_path / "x.mp3") is None
    assert read_header(tmp_path / "x.mp3").frames == 44_100
    assert not read_header(tmp_path / "x.mp3").counted


def test_tags_and_what_is_no_mp3_are_no_obstacle(tmp_path):
    path = tmp_path / "v.mp3"
    without_length(path, noise(2, 1))
    frames = read_header(path).frames
    tag = b"ID3\4\0\0" + bytes((0, 0, 2, 0)) + bytes(256)
    path.write_bytes(tag + path.read_bytes() + b"TAG".ljust(128, b"\0"))
    assert read_header(path).frames == frames
    for content in (b"", b"\xff", b"\xff\xfb\x90", b"RIFF" + bytes(100), b"ID3" + bytes(7)):
        path.write_bytes(content)
        assert measured(path) is None
