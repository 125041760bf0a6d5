"""TERA: its policy's statistics against the paper's numbers, its loss against a loop."""

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from unlabeled.errors import RecipeError
from unlabeled.randomness import Draw
from unlabeled_audio.encoders.ast import AST, ASTSettings
from unlabeled_audio.pretexts.tera import TERA, ZERO, TERASettings, alter, plan
from unlabeled_audio.waveform import Waveform

FRAMES, BINS = 98, 80


def pretext(patch=(16, 1), **settings):
    torch.manual_seed(0)
    small = {
        "features": {"kind": "stft", "bins": 16, "normalise": "clip"},
        "patch": patch,
        "width": 12,
        "depth": 1,
        "heads": 2,
        "positions": "sine",
    }
    encoder = AST(ASTSettings.model_validate({"sample_rate": 16000, **small}))
    return TERA(TERASettings(**settings), encoder).double()


def clip(samples, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return Waveform(0.1 * torch.randn(1, samples, generator=generator), 16000)


def plans(count, frames=FRAMES, **settings):
    rng = np.random.default_rng(0)
    return [plan(TERASettings(**settings), frames, BINS, rng) for _ in range(count)]


def test_time_alteration_has_the_papers_statistics():
    drawn = plans(4000)
    identity = np.arange(FRAMES)
    zeroed = np.mean([(each.source == ZERO).any() for each in drawn])
    kept = np.mean([(each.source == identity).all() for each in drawn])
    assert zeroed == pytest.approx(0.8, abs=0.025)
    assert kept == pytest.approx(0.1, abs=0.025)
    # round(0.15 · 98 / 7) = 2 spans of 7, which overlap now and then.
    counts = np.array([each.frames.sum() for each in drawn])
    assert counts.max() == 14
    assert counts.min() >= 8
    assert counts.mean() == pytest.approx(14 - 42 / 97, abs=0.1)


def test_every_frame_and_every_bin_is_altered_equally_often():
    drawn = plans(6000)
    frames = np.mean([each.frames for each in drawn], axis=0)
    bins = np.mean([each.band for each in drawn], axis=0)
    assert np.abs(frames / frames.mean() - 1).max() < 0.2
    assert np.abs(bins / bins.mean() - 1).max() < 0.2
    assert bins.mean() == pytest.approx(8 / 80, abs=0.005)


def test_bands_are_contiguous_with_widths_from_0_to_16():
    widths = []
    for each in plans(3000):
        widths.append(each.band.sum())
        edges = (each.band != np.roll(each.band, 1)).sum()
        assert edges in (0, 2)  # one run, on the circle of bins
    counts = np.bincount(widths)
    assert len(counts) == 17
    assert np.abs(counts / 3000 - 1 / 17).max() < 0.02


def test_noise_is_everywhere_or_nowhere():
    drawn = plans(2000)
    noisy = [each.noise for each in drawn if each.noise.any()]
    assert len(noisy) / 2000 == pytest.approx(0.15, abs=0.03)
    assert np.std(noisy[0]) == pytest.approx(0.2, rel=0.05)


def test_replaced_spans_hold_other_frames_of_the_clip():
    for each in plans(50, zeroed=0.0, replaced=1.0):
        moved = each.source != np.arange(FRAMES)
        assert (each.source >= 0).all()
        assert (each.source < FRAMES).all()
        assert not (moved & ~each.frames).any()


@pytest.mark.parametrize("frames", [1, 2, 5, 42])
def test_clips_shorter_than_a_span_have_a_plan(frames):
    for each in plans(100, frames=frames):
        assert each.source.shape == each.frames.shape == (frames,)


@torch.no_grad()
@pytest.mark.parametrize("patch", [(16, 1), (16, 3), (8, 4)])
def test_the_loss_is_the_mean_over_what_is_asked_for(patch):
    method = pretext(patch)
    examples = [method.example(clip(n, n), Draw(0, 0, str(n), 0, "")) for n in (5000, 8000, 3000)]
    batch = method.collate(examples)
    clean, valid = method.encoder.features(batch.clips)
    tokens = method.encoder.encode_spectrogram(alter(clean, batch), valid)
    predicted = method.head(tokens.values)
    errors = []
    columns = -(-clean.shape[2] // patch[1])
    for row, (_, drawn) in enumerate(examples):
        for b in range(16):
            for s in range(len(drawn.frames)):
                if drawn.frames[s] or drawn.band[b]:
                    token = b // patch[0] * columns + s // patch[1]
                    inside = b % patch[0] * patch[1] + s % patch[1]
                    errors.append(abs(predicted[row, token, inside] - clean[row, b, s]))
    expected = float(torch.stack(errors).mean())
    assert float(method(batch).total) == pytest.approx(expected, abs=1e-10)


def test_alteration_does_what_the_plan_says():
    method = pretext(zeroed=1.0, replaced=0.0, noisy=0.0)
    batch = method.collate([method.example(clip(8000), Draw(0, 0, "a", 0, ""))])
    clean, _ = method.encoder.features(batch.clips)
    altered = alter(clean, batch)
    touched = batch.frames.unsqueeze(1) | batch.band.unsqueeze(2)
    assert (altered[touched] == 0).all()
    assert torch.equal(altered[~touched], clean[~touched])


def test_padding_and_order_change_nothing():
    method = pretext(patch=(16, 2))
    examples = [method.example(clip(n, n), Draw(0, 0, str(n), 0, "")) for n in (4000, 9000)]
    weights, totals = [], []
    for sample, drawn in examples:
        asked = drawn.frames[None] | drawn.band[:16, None]
        weights.append(asked.sum())
        totals.append(float(method(method.collate([(sample, drawn)])).total))
    joint = float(method(method.collate(examples)).total)
    assert joint == pytest.approx(np.average(totals, weights=weights), abs=1e-10)
    assert float(method(method.collate(examples[::-1])).total) == pytest.approx(joint, abs=1e-10)


def test_nothing_to_ask_for_is_refused():
    with pytest.raises(ValidationError, match="nothing would be asked for"):
        TERASettings(time_share=0, widest_band=0)
    with pytest.raises(ValidationError, match="above 1"):
        TERASettings(zeroed=0.8, replaced=0.3)
    with pytest.raises(RecipeError, match="AST"):
        TERA(TERASettings(), torch.nn.Linear(1, 1))
