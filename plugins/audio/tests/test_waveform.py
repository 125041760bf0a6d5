"""Clips of different lengths as one tensor."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from unlabeled.errors import ShapeError
from unlabeled_audio.waveform import Waveform, Waveforms


@given(st.lists(st.integers(1, 9), min_size=1, max_size=5))
def test_clips_are_padded_behind_their_end(lengths):
    clips = [Waveform(torch.full((1, n), n + 1.0), 8000) for n in lengths]
    joined = Waveforms.of(clips, 8000)
    assert joined.lengths.tolist() == lengths
    assert joined.valid.sum(1).tolist() == lengths
    for row, valid, clip in zip(joined.values, joined.valid, clips, strict=True):
        assert torch.equal(row[valid], clip.values[0])
        assert not row[~valid].any()
        assert valid.tolist() == sorted(valid.tolist(), reverse=True)


@pytest.mark.parametrize("shape", [(2, 5), (5,), (1, 0)])
def test_more_channels_or_no_samples_are_refused_by_place(shape):
    good = Waveform(torch.zeros(1, 5), 8000)
    with pytest.raises(ShapeError, match=rf"clip 1: expected one channel.*found \({shape[0]},"):
        Waveforms.of([good, Waveform(torch.zeros(shape), 8000)], 8000)


def test_another_rate_is_refused_by_both_numbers():
    with pytest.raises(ShapeError, match="clip 0: expected 16000 Hz, found 8000 Hz"):
        Waveforms.of([Waveform(torch.zeros(1, 5), 8000)], 16000)


def test_seconds_and_new_values_keep_the_rate():
    clip = Waveform(torch.zeros(1, 4000), 8000, dead_channels=1)
    assert clip.seconds == 0.5
    assert clip.with_values(torch.zeros(1, 2000)).seconds == 0.25
