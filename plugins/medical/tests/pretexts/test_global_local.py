import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from unlabeled.augmentations.views import Views, ViewSettings
from unlabeled.errors import RecipeError
from unlabeled.randomness import Draw
from unlabeled_medical.encoders.residual import Residual, ResidualSettings
from unlabeled_medical.pretexts.global_local import (
    GlobalLocal,
    GlobalLocalSettings,
    partition_contrast_loss,
    region_contrast_loss,
)
from unlabeled_medical.volume import Volume


def double_loop(views, partition, temperature, across):
    """The sheet's formula, pair by pair."""
    rows = [
        (v, i, row / np.linalg.norm(row))
        for v, view in enumerate(views)
        for i, row in enumerate(view)
    ]
    costs = []
    for v, i, a in rows:
        negatives = sum(
            np.exp(a @ n / temperature) for _, j, n in rows if partition[j] != partition[i]
        )
        for w, j, b in rows:
            pair = partition[i] == partition[j] if across else i == j
            if not pair or (v, i) == (w, j):
                continue
            positive = np.exp(a @ b / temperature)
            costs.append(-np.log(positive / (positive + negatives)))
    return np.mean(costs)


@given(st.integers(0, 10**6), st.booleans(), st.integers(2, 3))
def test_the_global_loss_is_the_double_loop(seed, across, count):
    rng = np.random.default_rng(seed)
    views = [rng.normal(size=(7, 5)) for _ in range(count)]
    partition = rng.integers(0, 3, 7)
    found = partition_contrast_loss(
        [torch.tensor(v) for v in views], torch.tensor(partition), temperature=0.3, across=across
    )
    assert float(found) == pytest.approx(
        double_loop(views, partition, 0.3, across), rel=1e-5, abs=1e-6
    )


def test_without_other_partitions_there_is_nothing_to_lose():
    views = [torch.randn(4, 3) for _ in range(2)]
    loss = partition_contrast_loss(
        views, torch.zeros(4, dtype=torch.long), temperature=0.1, across=True
    )
    assert float(loss) == 0


@given(st.integers(0, 10**6))
def test_order_and_length_of_rows_do_not_matter(seed):
    generator = torch.Generator().manual_seed(seed)
    views = [torch.randn(6, 4, generator=generator) for _ in range(2)]
    partition = torch.tensor([0, 1, 2, 0, 1, 2])
    order = torch.randperm(6, generator=generator)
    one = partition_contrast_loss(views, partition, temperature=0.2, across=True)
    two = partition_contrast_loss(
        [3 * v[order] for v in views], partition[order], temperature=0.2, across=True
    )
    torch.testing.assert_close(one, two)


def test_equal_regions_cost_the_logarithm_of_their_number():
    maps = torch.ones(2, 9, 4)
    loss = region_contrast_loss(maps, maps, temperature=0.1)
    assert float(loss) == pytest.approx(math.log(1 + 16), rel=1e-5)


def test_distinct_aligned_regions_cost_nothing():
    maps = torch.eye(9).unsqueeze(0)
    assert float(region_contrast_loss(maps, maps, temperature=0.01)) < 1e-6
    assert float(region_contrast_loss(maps, maps.roll(1, dims=1), temperature=0.01)) > 1


@pytest.mark.parametrize(("place", "partition"), [(0.0, 0), (0.24, 0), (0.26, 1), (1.0, 3)])
def test_the_partition_is_that_of_the_place(place, partition):
    encoder = Residual(ResidualSettings(rank=2, channels=1, widths=(4, 8)))
    pretext = GlobalLocal(GlobalLocalSettings(), encoder, views=Views([ViewSettings(count=4)]))
    affine = np.eye(4)[:, [0, 1, 3]]
    volume = Volume(torch.randn(1, 8, 8), affine, torch.ones(1, dtype=torch.bool), place)
    assert pretext.example(volume, Draw(0, 0, "a")).partition == partition


def test_too_few_views_are_refused():
    encoder = Residual(ResidualSettings(rank=2, channels=1, widths=(4, 8)))
    with pytest.raises(RecipeError, match="at least 4; found 2"):
        GlobalLocal(GlobalLocalSettings(), encoder, views=Views([ViewSettings(count=2)]))
