import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from unlabeled.errors import ShapeError
from unlabeled.health import (
    alpha_req,
    dead_units,
    effective_rank,
    examine,
    feature_std,
    lidar,
    uniformity,
)


def drawn(n: int, d: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=dtype)


@pytest.mark.parametrize("width", [4, 64, 300])
def test_rank_equals_the_formula(width):
    x = drawn(200, width)
    singular = np.linalg.svd(x.numpy(), compute_uv=False)
    p = singular / singular.sum() + 1e-7
    assert effective_rank(x) == pytest.approx(math.exp(-(p * np.log(p)).sum()), rel=1e-10)
    assert effective_rank(x.float()) == pytest.approx(effective_rank(x), rel=1e-4)


@given(rank=st.integers(1, 12), scale=st.floats(1e-3, 1e3), seed=st.integers(0, 99))
def test_equal_singular_values_count_dimensions(rank, scale, seed):
    left = torch.linalg.qr(drawn(40, rank, seed))[0]
    right = torch.linalg.qr(drawn(16, rank, seed + 1))[0]
    assert effective_rank(scale * left @ right.T) == pytest.approx(rank, rel=1e-3)


@given(seed=st.integers(0, 99))
def test_rank_is_blind_to_rotation_scale_and_order(seed):
    x = drawn(30, 6, seed)
    rotation = torch.linalg.qr(drawn(6, 6, seed + 1))[0]
    assert effective_rank(7 * x.flip(0) @ rotation) == pytest.approx(effective_rank(x))


def test_uniformity_equals_the_formula():
    x = drawn(1100, 3)
    rows = x / x.norm(dim=1, keepdim=True)
    expected = torch.pdist(rows).square().mul(-2).exp().mean().log()
    assert uniformity(x) == pytest.approx(expected.item(), rel=1e-10)
    assert uniformity(torch.ones(5, 3)) == pytest.approx(0, abs=1e-6)


def test_feature_std_is_one_for_even_directions_and_zero_for_one():
    assert feature_std(drawn(4000, 32)) == pytest.approx(1, abs=0.01)
    assert feature_std(torch.ones(10, 4)) == pytest.approx(0, abs=1e-6)


def test_verdicts():
    assert examine(drawn(200, 32)).verdict.startswith("healthy (effective rank 3")
    same = examine(torch.ones(50, 32) + 1e-3 * drawn(50, 32))
    assert same.collapsed
    assert "nearly the same direction" in same.verdict
    line = examine(drawn(50, 1) @ drawn(1, 32))
    assert line.collapsed
    assert "one direction only (effective rank 1.0 of 32)" in line.verdict
    few = examine(drawn(300, 4) @ drawn(4, 100))
    assert not few.collapsed
    assert few.verdict.startswith("narrow")
    assert examine(torch.zeros(20, 16)).collapsed
    assert not examine(drawn(50, 2)).collapsed


def test_a_large_common_mean_shows_in_the_raw_rank_only():
    found = examine(drawn(300, 32) + 20)
    assert found.effective_rank < found.centred_rank / 2


def test_half_precision_is_widened():
    x = drawn(100, 16)
    assert examine(x.bfloat16()).effective_rank == pytest.approx(effective_rank(x), rel=0.01)


@pytest.mark.parametrize("bad", [torch.zeros(1, 4), torch.zeros(4), torch.zeros(3, 0)])
def test_a_wrong_shape_is_refused(bad):
    with pytest.raises(ShapeError, match="embeddings: expected shape"):
        examine(bad)


def test_nan_is_refused():
    with pytest.raises(ShapeError, match="embeddings: expected finite"):
        examine(torch.full((4, 3), torch.nan))


@given(alpha=st.floats(0.2, 3.0), seed=st.integers(0, 99))
def test_alpha_is_the_slope_of_a_power_law(alpha, seed):
    left = drawn(200, 20, seed)
    left = torch.linalg.qr(left - left.mean(0))[0]
    right = torch.linalg.qr(drawn(20, 20, seed + 1))[0]
    spread = torch.arange(1, 21, dtype=torch.float64) ** (-alpha / 2)
    assert alpha_req(left * spread @ right + 5.0) == pytest.approx(alpha, rel=1e-6)


def test_lidar_equals_the_formula():
    views = drawn(40 * 6, 8).view(40, 6, 8) + 3 * drawn(40, 8, 1)[:, None]
    x = views.numpy()
    means = x.mean(1)
    within = sum(np.outer(v, v) for v in (x - means[:, None]).reshape(-1, 8)) / (40 * 5)
    within += 1e-4 * np.eye(8)
    between = np.cov(means.T)
    values = np.linalg.eigvals(np.linalg.inv(within) @ between).real
    p = values / values.sum() + 1e-7
    assert lidar(views) == pytest.approx(math.exp(-(p * np.log(p)).sum()), rel=1e-8)


def test_lidar_sees_only_what_views_agree_on():
    """Directions in which views of one item differ as much as items do count for nothing."""
    signal, noise = drawn(60, 3), drawn(60 * 8, 20, 2).view(60, 8, 20)
    views = torch.cat([signal[:, None].expand(-1, 8, -1), noise], dim=2)
    assert lidar(views) == pytest.approx(3, abs=0.2)
    assert effective_rank(views.flatten(0, 1)) > 15


@pytest.mark.parametrize("shape", [(10, 4), (1, 5, 4), (5, 1, 4)])
def test_lidar_refuses_other_shapes(shape):
    with pytest.raises(ShapeError, match=r"expected \(n, q, D\)"):
        lidar(torch.zeros(shape))


def test_dead_units_are_columns_that_never_change():
    x = drawn(50, 8)
    x[:, 2] = 3.0
    x[:, 5] = 0.0
    assert dead_units(x) == 0.25
    assert dead_units(x.float() * 1e6) == 0.25
