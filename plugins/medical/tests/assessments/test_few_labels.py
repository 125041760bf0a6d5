import numpy as np
import torch

from unlabeled_medical.assessments.dense_probe import Labelled
from unlabeled_medical.assessments.few_labels import Volumetric, few_fits, probing
from unlabeled_medical.assessments.voxels import VoxelFeatures
from unlabeled_medical.volume import Volume


def labelled_of(count):
    there = torch.ones(1, dtype=torch.bool)
    return [
        Labelled(Volume(torch.full((1, 3, 3, 3), float(n)), np.eye(4), there), np.ones((3, 3, 3)))
        for n in range(count)
    ]


def test_draws_are_of_different_patients_and_the_same_for_all():
    volumes, patients = labelled_of(6), np.array(list("aabbcc"))
    pool, seen = Volumetric(volumes, patients), []

    def fitting(few, classes):
        seen.append([int(each.volume.values.max()) for each in few])
        return lambda volume: np.zeros(volume.size)

    for _ in range(2):
        found = few_fits(fitting, pool, pool, 2, (1, 3), draws=range(4))
    assert seen[:8] == seen[8:]
    assert [len(few) for few in seen[:8]] == [1] * 4 + [3] * 4
    assert all(len({n // 2 for n in few}) == len(few) for few in seen)
    assert len({tuple(few) for few in seen[:8]}) > 4
    assert found.shape == (2, 6, 2)
    assert (found[..., 0] == 0).all()
    assert np.isnan(found[..., 1]).all()  # nothing is found anywhere


def test_a_tested_volume_is_described_once_for_all_draws():
    pool, tested, described = Volumetric(labelled_of(3), np.array(list("abc"))), labelled_of(40), []

    def describe(volume):
        described.append(volume)
        return VoxelFeatures([volume.values], (1,), volume.size)

    patients = np.arange(40).astype(str)
    few_fits(probing(describe), pool, Volumetric(tested, patients), 2, (1, 2), range(3))
    assert [sum(each is one.volume for each in described) for one in tested] == [1] * 40
