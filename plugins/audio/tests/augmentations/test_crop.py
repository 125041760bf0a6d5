"""Crop: every window is possible, and it is a window."""

import numpy as np
import torch

from unlabeled_audio.augmentations.crop import Crop
from unlabeled_audio.waveform import Waveform


def test_takes_every_window_and_nothing_else():
    sample = Waveform(torch.arange(10.0)[None], 10)
    starts = set()
    for seed in range(200):
        window = Crop(seconds=0.4)(sample, np.random.default_rng(seed)).values[0]
        assert torch.equal(window, window[0] + torch.arange(4.0))
        starts.add(int(window[0]))
    assert starts == set(range(7))


def test_a_short_clip_stays_whole_but_is_copied():
    sample = Waveform(torch.arange(10.0)[None], 10)
    kept = Crop(seconds=2.0)(sample, np.random.default_rng(0)).values
    assert torch.equal(kept, sample.values)
    kept += 1
    assert sample.values[0, 0] == 0
