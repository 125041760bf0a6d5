import numpy as np
import torch
from labelled_balls import ball, encoder_of

from unlabeled_medical.assessments.dense_probe import DenseProbe, Labelled, score
from unlabeled_medical.assessments.overlap import dice
from unlabeled_medical.assessments.voxels import VoxelFeatures, frozen, neighbourhood, placed
from unlabeled_medical.volume import Volume


def test_a_probe_of_two_volumes_finds_the_ball_and_leaves_the_encoder():
    encoder = encoder_of()
    before = {k: v.clone() for k, v in encoder.state_dict().items()}
    predict = DenseProbe(iterations=60).fit(frozen(encoder), [ball(0), ball(1)], classes=3)
    fits = [score(predict, ball(seed), classes=3) for seed in range(2, 6)]
    assert np.mean([fit.dice for fit in fits]) > 0.6
    assert all(torch.equal(v, before[k]) for k, v in encoder.state_dict().items())


def test_the_raw_baseline_sees_brightness():
    whole = [Labelled(ball(seed).volume, (ball(seed).mask > 0) * 1) for seed in range(3)]
    predict = DenseProbe(iterations=60).fit(neighbourhood, whole[:2], classes=2)
    assert dice(predict(whole[2].volume) > 0, whole[2].mask > 0) > 0.8


def specks(seed, *, share, brighter):
    """Noise, a share of the voxels brighter by so many of its standard deviations."""
    rng = np.random.default_rng(seed)
    mask = (rng.random((16, 16, 16)) < share).astype(np.int64)
    values = torch.from_numpy((brighter * mask + rng.normal(size=mask.shape)).astype(np.float32))
    return Labelled(Volume(values[None], np.eye(4), torch.ones(1, dtype=torch.bool)), mask)


def values_of(volume):
    return VoxelFeatures([volume.values], (1,), volume.size)


def test_a_rare_class_is_not_left_to_the_background():
    """No voxel of it is more likely than not, so that cross-entropy alone would find none."""
    few = [specks(seed, share=0.02, brighter=1) for seed in range(3)]
    predict = DenseProbe().fit(values_of, few[:2], classes=2)
    found, truth = predict(few[2].volume) > 0, few[2].mask > 0
    assert 0.5 < found.sum() / truth.sum() < 5
    assert dice(found, truth) > 1.5 * dice(np.ones_like(truth), truth)


def test_how_much_weights_are_kept_small_is_chosen_by_volumes_left_out():
    """Many features that mean nothing fit a few volumes well, and no other."""

    def padded(volume):
        rng = np.random.default_rng(int(volume.values.abs().sum()))
        idle = torch.from_numpy(rng.normal(size=(100, *volume.size)).astype(np.float32))
        return VoxelFeatures([torch.cat([volume.values, idle])], (1,), volume.size)

    few = [specks(seed, share=0.3, brighter=2) for seed in range(2)]
    others = [specks(seed, share=0.3, brighter=2) for seed in range(2, 5)]

    def judged(*penalties):
        predict = DenseProbe(voxels=400, penalties=penalties).fit(padded, few, classes=2)
        return np.mean([score(predict, other, classes=2).dice for other in others])

    assert judged(1e-6, 1e-2, 1e-1) > judged(1e-6) + 0.02


def test_places_are_seen():
    volume = specks(0, share=0.02, brighter=1).volume
    mask = np.zeros(volume.size, np.int64)
    mask[4:8, 4:8] = 1  # whatever is seen there
    predict = DenseProbe().fit(placed(neighbourhood), [Labelled(volume, mask)] * 2, classes=2)
    assert dice(predict(specks(1, share=0.02, brighter=1).volume) > 0, mask > 0) > 0.8
