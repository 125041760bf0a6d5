"""Files that are shorter than they say are used as far as they go, and noted."""

import numpy as np
import pytest
import soundfile

from unlabeled_audio.readers.clips import Clips
from unlabeled_audio.readers.decoding import decode, read_header

RATE = 16000
WAVE = np.random.default_rng(0).normal(0, 0.1, 4 * RATE).astype(np.float32)
FORMATS = [
    ("WAV", "PCM_16"), ("WAV", "IMA_ADPCM"), ("WAVEX", "FLOAT"), ("AIFF", "PCM_16"),
    ("AU", "PCM_16"), ("W64", "PCM_16"), ("RF64", "PCM_16"), ("VOC", "PCM_16"),
    ("SVX", "PCM_16"), ("NIST", "PCM_16"), ("OGG", "VORBIS"), ("OGG", "OPUS"),
]  # fmt: skip
NOTE = "1 file says no length or a wrong one, used as far as they decode"


def notes_of(folder):
    return [note for note in Clips().index(folder).notes if "length" in note]


@pytest.mark.parametrize(("kind", "subtype"), FORMATS)
def test_a_file_that_was_cut_short_is_noted_and_a_whole_one_is_not(tmp_path, kind, subtype):
    file = tmp_path / f"{kind}.wav"
    soundfile.write(file, WAVE, RATE, format=kind, subtype=subtype)
    assert notes_of(tmp_path) == []
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    header = read_header(file)
    assert header.counted
    assert 0 < header.frames < len(WAVE)
    assert len(decode(file, 0, header.frames)) == header.frames
    (note,) = notes_of(tmp_path)
    assert note.startswith(NOTE)


def test_a_streamed_wav_says_no_length(tmp_path):
    file = tmp_path / "s.wav"
    soundfile.write(file, WAVE, RATE)
    content = bytearray(file.read_bytes())
    place = content.find(b"data")
    content[place + 4 : place + 8] = b"\xff\xff\xff\xff"
    file.write_bytes(content)
    assert read_header(file).frames == len(WAVE)
    assert notes_of(tmp_path)[0].startswith(NOTE)


def test_bytes_behind_the_samples_and_a_byte_of_padding_are_no_lost_samples(tmp_path):
    file = tmp_path / "s.wav"
    soundfile.write(file, WAVE[:101], RATE, subtype="PCM_U8")
    file.write_bytes(file.read_bytes() + b"LIST" + (40).to_bytes(4, "little") + b"INFO")
    assert read_header(file).frames == 101
    assert notes_of(tmp_path) == []
