"""Health is examined without a trace in the training."""

import random

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from torch import nn

from unlabeled.contract import Output
from unlabeled.health import examine as health_of
from unlabeled.training.collapse_monitor import (
    CollapseMonitor,
    checked_after,
    columns,
    has_fallen,
    undisturbed,
)


class Vectors(nn.Module):
    """What a health check asks of an encoder."""

    outputs = (Output("vector", "global", 4),)

    def forward(self, batch):
        return batch

    def present(self, batch, output):
        return None


class Noisy(Vectors):
    """Draws from every generator, and has layers in both modes."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout(0.5))
        self.layers[2].eval()

    def forward(self, batch):
        random.random()
        np.random.random()
        return self.layers(batch) + 0 * torch.rand(4)


def fabric():
    return Fabric(accelerator="cpu", devices=1)


def test_modes_buffers_and_generators_are_as_before():
    torch.manual_seed(0)
    encoder = Noisy()
    state = {name: value.clone() for name, value in encoder.state_dict().items()}
    modes = [module.training for module in encoder.modules()]
    examine = CollapseMonitor(fabric(), encoder, [torch.randn(8, 4), torch.randn(3, 4)])
    before = (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state())
    health = examine()
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before[:2]
    assert torch.equal(torch.get_rng_state(), before[2])
    assert [module.training for module in encoder.modules()] == modes
    assert all(torch.equal(state[name], value) for name, value in encoder.state_dict().items())
    assert health.rows == 11
    assert not health.collapsed
    assert set(columns(health)) == {
        "health_feature_std",
        "health_effective_rank",
        "health_centred_rank",
        "health_alpha_req",
        "health_dead_units",
        "health_uniformity",
        "health_collapsed",
    }


def test_modes_come_back_after_an_error():
    encoder = Noisy()
    during = []

    def fail():
        with undisturbed(encoder):
            during.append(encoder.layers[0].training)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert during == [False]
    assert encoder.layers[0].training
    assert not encoder.layers[2].training


def test_nothing_to_examine():
    assert CollapseMonitor(fabric(), Vectors(), [])() is None
    assert CollapseMonitor(fabric(), Vectors(), [torch.ones(1, 4)])() is None
    assert CollapseMonitor(fabric(), Vectors(), [torch.full((4, 4), float("nan"))])() is None


def test_what_a_sample_lacks_is_no_collapse():
    """Rows of absent sensors are equal; they are not looked at."""

    class Gaps(Vectors):
        def present(self, batch, output):
            return batch.any(dim=1)

    torch.manual_seed(0)
    rows = torch.cat([torch.randn(16, 9), torch.zeros(48, 9)])
    found = CollapseMonitor(fabric(), Gaps(), [rows[::2], rows[1::2]])()
    assert found.rows == 16
    assert not found.collapsed


def test_one_point_has_collapsed():
    assert CollapseMonitor(fabric(), Vectors(), [torch.ones(16, 9)])().collapsed


@pytest.mark.parametrize("total", [20, 50, 333, 2000, 2001, 3999])
def test_a_run_has_twenty_checks_or_more_and_the_first_within_fifty_steps(total):
    steps = [step for step in range(1, total + 1) if checked_after(step, total, None)]
    assert len(steps) >= 20
    assert steps[0] <= 10
    assert steps[-1] == total


def test_a_long_run_has_one_check_in_200_steps():
    steps = [step for step in range(1, 20_001) if checked_after(step, 20_000, None)]
    assert steps == [10, 25, 50, *range(200, 20_001, 200)]
    assert [step for step in range(1, 13) if checked_after(step, 12, 5)] == [5, 10, 12]


def test_a_narrow_start_is_no_collapse_and_a_fall_is_one_at_once():
    generator = torch.Generator().manual_seed(0)
    narrow = health_of(1 + 0.05 * torch.randn(64, 32, generator=generator))
    fallen = health_of(1 + 0.02 * torch.randn(64, 32, generator=generator))
    point = health_of(1 + 1e-4 * torch.randn(64, 32, generator=generator))
    assert narrow.collapsed
    start = {"feature_std": narrow.feature_std, "centred_rank": narrow.centred_rank}
    assert not has_fallen(narrow, start, 10, 1000)
    assert has_fallen(fallen, start, 10, 1000)
    assert has_fallen(narrow, start, 200, 1000)
    assert has_fallen(narrow, start, 30, 30)
    assert has_fallen(point, {}, 1, 1000)


def test_a_measure_without_bound_is_left_empty():
    line = torch.arange(10.0)[:, None] * torch.ones(1, 4)
    assert columns(health_of(line))["health_alpha_req"] is None
