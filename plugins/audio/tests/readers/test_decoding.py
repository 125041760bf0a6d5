"""Damaged files: whatever a header says, nothing but `UnreadableItem` comes out."""

import csv
import io
import os
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from unlabeled.errors import UnreadableItem
from unlabeled_audio.readers.clips import Clips
from unlabeled_audio.readers.decoding import decode, read_header

AWKWARD = Path(os.environ.get("UNLABELED_DATA", "")) / "audio" / "awkward"


def encoded(format, subtype=None):
    wave = 0.3 * np.sin(np.arange(2000) / 5)
    file = io.BytesIO()
    soundfile.write(file, wave, 16000, format=format, subtype=subtype)
    return file.getvalue()


FILES = [
    *(encoded(name) for name in ("WAV", "FLAC", "OGG", "AIFF", "AU", "CAF", "MP3", "RF64", "W64")),
    encoded("WAV", "IMA_ADPCM"),
    encoded("WAV", "FLOAT"),
]

mutations = st.lists(st.tuples(st.integers(0, 127), st.integers(0, 255)), min_size=1, max_size=8)


@settings(max_examples=500, deadline=None)
@given(st.sampled_from(range(len(FILES))), mutations, st.integers(0, 2) | st.none())
def test_a_mutated_header_raises_nothing_but_unreadable_item(tmp_path_factory, file, changes, cut):
    content = bytearray(FILES[file])
    for position, value in changes:
        content[position] = value
    if cut is not None:
        content = content[: len(content) * cut // 3]
    path = tmp_path_factory.getbasetemp() / "mutated.wav"
    path.write_bytes(content)
    try:
        header = read_header(path)
        values = decode(path, 0, header.frames)
    except UnreadableItem:
        return
    assert values.shape == (header.frames, header.channels)
    assert np.isfinite(values).all()


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "an empty file"),
        (b"<!DOCTYPE html><html>", "begins with b'<!DOCTYPE html><'"),
        (b"RIFF\x00\x00\x00\x00WAVE", "libsndfile says"),
    ],
)
def test_the_reason_is_named(tmp_path, content, found):
    path = tmp_path / "x.wav"
    path.write_bytes(content)
    with pytest.raises(UnreadableItem, match=found):
        read_header(path)


def test_a_window_equals_the_slice_of_the_whole(tmp_path):
    for index, content in enumerate(FILES):
        path = tmp_path / f"{index}.wav"
        path.write_bytes(content)
        whole = decode(path, 0, read_header(path).frames)
        np.testing.assert_allclose(decode(path, 1000, 500), whole[1000:1500], atol=2e-3)


@pytest.mark.skipif(not AWKWARD.is_dir(), reason="needs UNLABELED_DATA/audio/awkward")
def test_awkward_files_end_as_their_manifest_says():
    """Readable files give the frames promised; the others are quarantined, none is silent."""
    reader = Clips()
    items = reader.index(AWKWARD)
    refused = {Path(entry.source).name for entry in items.quarantine}
    read = {}
    for item in items:
        try:
            read[item.id] = len(decode(Path(item.source), 0, item.metadata["frames"]))
            assert reader.read(item).values.shape == (1, item.size)
        except UnreadableItem:
            read.pop(item.id, None)
            refused.add(item.id)
    with (AWKWARD / "manifest.csv").open() as file:
        expected = {row["file"]: row for row in csv.DictReader(file)}
    readable = {name for name, row in expected.items() if row["readable"] == "1"}
    # What libsndfile opens but training must not see: nothing inside, no numbers, half a file.
    withheld = {"zero_frames.wav", "nan_inf_f32.wav", "truncated.mp3"}
    assert set(read) == readable - withheld
    assert refused == set(expected) - set(read)
    for name, frames in read.items():
        assert frames == int(expected[name]["frames"]), name


@pytest.mark.parametrize("name", ["WAV", "AIFF", "AU", "RF64", "W64", "WAVEX"])
def test_a_file_that_was_cut_is_used_as_far_as_it_goes_and_noted(tmp_path, name):
    whole = encoded(name)
    (tmp_path / "cut.wav").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "whole.wav").write_bytes(whole)
    items = Clips().index(tmp_path)
    assert 900 < items[0].size < 1000
    assert items[1].size == 2000
    [note] = [note for note in items.notes if "a wrong one" in note]
    assert note.startswith("1 file says no length or a wrong one")
    assert note.endswith("(the first is cut.wav)")


def test_bytes_after_the_end_are_no_cut(tmp_path):
    (tmp_path / "a.wav").write_bytes(encoded("WAV") + b"trailing notes of a recorder")
    assert not [note for note in Clips().index(tmp_path).notes if "a wrong one" in note]
