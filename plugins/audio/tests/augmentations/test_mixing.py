"""Mixing: the partner, the level, lengths, and two processes against one."""

import numpy as np
import pytest
import torch

from unlabeled_audio.augmentations.mixing import Mixing, partners
from unlabeled_audio.waveform import Waveform, Waveforms


def clips(*lengths):
    generator = torch.Generator().manual_seed(0)
    samples = [Waveform(0.1 * torch.randn(1, n, generator=generator), 16000) for n in lengths]
    return Waveforms.of(samples, 16000)


def test_adds_the_planned_partner_at_the_planned_ratio():
    batch = clips(100, 100, 100)
    plans = [[0.2, 0.3, 6.0], [0.5, 0.9, 0.0], [0.8, 0.4, 12.0]]
    plans = torch.tensor(plans, dtype=torch.float64)
    added = Mixing().apply(batch, plans).values - batch.values
    for row, (partner, snr) in enumerate([(1, 6.0), (0, 0.0), (1, 12.0)]):
        direction = added[row] / batch.values[partner]
        torch.testing.assert_close(direction, direction[:1].expand(100), rtol=1e-3, atol=1e-4)
        ratio = 10 * torch.log10(batch.values[row].square().sum() / added[row].square().sum())
        assert float(ratio) == pytest.approx(snr, abs=1e-2)


def test_lengths_stay_and_padding_stays_silent():
    batch = clips(50, 200)
    before = batch.values.clone()
    mixed = Mixing().apply(batch, torch.zeros(2, 3, dtype=torch.float64))
    assert torch.equal(mixed.lengths, batch.lengths)
    assert not mixed.values[0, 50:].any()
    assert torch.equal(mixed.values[1, 50:], batch.values[1, 50:])
    assert torch.equal(batch.values, before)


def test_a_batch_of_one_and_a_silent_partner_change_nothing():
    single = clips(50)
    assert torch.equal(Mixing().apply(single, torch.zeros(1, 3)).values, single.values)
    pair = clips(50, 50)
    pair.values[1] = 0
    mixed = Mixing().apply(pair, torch.zeros(2, 3, dtype=torch.float64))
    assert torch.equal(mixed.values, pair.values)


def test_plans_are_three_numbers_from_the_rng():
    plans = np.stack([Mixing().plan(np.random.default_rng(i)) for i in range(200)])
    assert plans.shape == (200, 3)
    assert (plans[:, :2] >= 0).all()
    assert (plans[:, :2] < 1).all()
    assert plans[:, 2].min() >= 0
    assert plans[:, 2].max() <= 20


def test_partners_are_spread_evenly_and_never_the_clip_itself():
    rng = np.random.default_rng(0)
    chosen = np.zeros((4, 4))
    for _ in range(3000):
        plans = torch.from_numpy(np.stack([Mixing().plan(rng) for _ in range(4)]))
        for clip, partner in enumerate(partners(plans)):
            chosen[clip, partner] += 1
    assert (np.diag(chosen) == 0).all()
    assert np.abs(chosen / 3000 - (1 - np.eye(4)) / 3).max() < 0.04


def test_the_order_of_the_batch_decides_nothing():
    batch = clips(60, 70, 80, 90)
    rng = np.random.default_rng(0)
    plans = torch.from_numpy(np.stack([Mixing().plan(rng) for _ in range(4)]))
    order = torch.tensor([2, 0, 3, 1])
    turned = Mixing().apply(Waveforms(batch.values[order], batch.lengths[order]), plans[order])
    torch.testing.assert_close(turned.values, Mixing().apply(batch, plans).values[order])
