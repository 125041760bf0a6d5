import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from unlabeled.augmentations.views import Views, ViewSettings
from unlabeled.errors import RecipeError, UnreadableItem
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


def build(rank, **settings):
    encoder = Residual(ResidualSettings(rank=rank, channels=1, widths=(4, 8)))
    views = Views([ViewSettings(count=4)])
    return GlobalLocal(GlobalLocalSettings(**settings), encoder, views=views)


def ramp(size, axis):
    """Values are the index along an axis."""
    shape = [1] * (len(size) + 1)
    shape[axis + 1] = -1
    values = torch.arange(float(size[axis])).view(shape).expand(1, *size)
    affine = np.eye(4)[:, [*range(len(size)), 3]]
    return Volume(values, affine, torch.ones(1, dtype=torch.bool))


@pytest.mark.parametrize(("size", "axis"), [((9, 10, 21), 2), ((21, 9, 10), 0), ((9, 30), 1)])
def test_the_middle_of_each_slab_lies_in_its_partition(size, axis):
    pretext = build(len(size), axis=axis, thickness=3, partitions=4)
    for number in range(20):
        example = pretext.example(ramp(size, axis), Draw(0, 0, "a", number, ""))
        assert len(example) == 4
        for part, views in enumerate(example):
            slab = views[0].sample
            assert slab.size[axis] == 3
            middle = slab.values.mean() + 0.5
            assert part * size[axis] / 4 - 1.5 <= middle <= (part + 1) * size[axis] / 4 + 1.5


def test_a_volume_with_fewer_slices_than_partitions_is_unreadable():
    with pytest.raises(UnreadableItem, match="4 or more voxels along axis 2"):
        build(3).example(ramp((9, 9, 3), 2), Draw(0, 0, "a", 0, ""))


def test_volumes_and_their_slabs_stay_together():
    pretext = build(3, partitions=2, thickness=4)
    examples = [pretext.example(ramp((8, 8, 8), 2), Draw(0, 0, name, 0, "")) for name in "ab"]
    batch = pretext.collate(examples)
    assert batch.partition.tolist() == [0, 1, 0, 1]
    means = batch.views[0].batch.values.mean(dim=(1, 2, 3, 4))
    assert (means[[0, 2]] < means[[1, 3]]).all()
    assert torch.isfinite(pretext(batch).total)


def test_too_few_views_are_refused():
    encoder = Residual(ResidualSettings(rank=2, channels=1, widths=(4, 8)))
    with pytest.raises(RecipeError, match="at least 4; found 2"):
        GlobalLocal(GlobalLocalSettings(), encoder, views=Views([ViewSettings(count=2)]))
