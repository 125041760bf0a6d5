import numpy as np
import pytest
import torch
from monai.metrics.hausdorff_distance import compute_hausdorff_distance

from unlabeled_medical.encoders.residual import Residual, ResidualSettings
from unlabeled_medical.encoders.vit import ViT, ViTSettings
from unlabeled_medical.evaluators.overlap import dice, hausdorff95
from unlabeled_medical.evaluators.segmentation import (
    DenseProbe,
    FineTuning,
    Labelled,
    frozen,
    neighbourhood,
    placed,
    score,
    with_products,
)
from unlabeled_medical.evaluators.voxels import VoxelFeatures, at_voxels
from unlabeled_medical.volume import Volume


def ball(seed, size=(12, 13, 11)):
    """A bright ball in noise, labelled 1, its upper half 2."""
    rng = np.random.default_rng(seed)
    centre = np.array(size) / 2 + rng.uniform(-1.5, 1.5, 3)
    place = np.stack(np.meshgrid(*map(np.arange, size), indexing="ij"), -1)
    inside = np.square(place - centre).sum(-1) < 9
    values = torch.from_numpy((inside * 2 + rng.normal(0, 0.3, size)).astype(np.float32))[None]
    mask = inside * np.where(place[..., 2] > centre[2], 2, 1)
    return Labelled(Volume(values, np.diag([1.0, 2, 1, 1]), torch.ones(1, dtype=torch.bool)), mask)


def encoder_of():
    torch.manual_seed(0)
    return Residual(ResidualSettings(rank=3, channels=1, widths=(8, 16)))


def test_dice_of_known_masks():
    a, b = np.array([1, 1, 0, 0], bool), np.array([0, 1, 1, 1], bool)
    assert dice(a, b) == 2 / 5
    assert dice(a, a) == 1
    assert dice(a & False, b & False) == 1


@pytest.mark.parametrize("seed", range(4))
def test_surface_distances_equal_monais(seed):
    rng = np.random.default_rng(seed)
    a, b = (ball(s).mask > 0 for s in rng.integers(0, 99, 2))
    theirs = compute_hausdorff_distance(
        torch.from_numpy(a)[None, None], torch.from_numpy(b)[None, None],
        include_background=True, percentile=95, spacing=[1.0, 2.0, 1.0],
    )  # fmt: skip
    assert hausdorff95(a, b, np.array([1.0, 2.0, 1.0])) == pytest.approx(float(theirs))


def test_distances_to_nothing_are_undefined():
    mask = np.ones((3, 3), bool)
    assert np.isnan(hausdorff95(mask, ~mask, np.ones(2)))
    assert hausdorff95(~mask, ~mask, np.ones(2)) == 0


@pytest.mark.parametrize("centred", [True, False])
def test_interpolated_maps_are_linear_between_places(centred):
    """A map that is linear in its places' voxels is linear in the voxels between them."""
    stride, places = 4, 5
    voxel = (np.arange(places) + 0.5) * stride - 0.5 if centred else np.arange(places) * stride
    values = torch.tensor(voxel, dtype=torch.float32).view(1, 1, places, 1).expand(1, 1, places, 2)
    found = at_voxels(values, stride, (stride * places, 7), centred=centred)[0, 0, :, 0]
    expected = np.clip(np.arange(stride * places), voxel[0], voxel[-1])
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("kind", ["residual", "vit"])
def test_places_and_features_agree(kind):
    """A voxel at the place of a token has that token's feature."""
    torch.manual_seed(0)
    encoder = encoder_of() if kind == "residual" else ViT(ViTSettings(rank=3, channels=1, patch=3))
    volume = ball(0, (12, 12, 12)).volume
    with torch.no_grad():
        tokens = encoder.eval().encode(encoder.collate([volume]), "tokens")
        rows = frozen(encoder)(volume).rows()
        features = rows.T.view(-1, *volume.size)[-tokens.values.shape[-1] :]
    for row in (0, 30, tokens.values.shape[1] - 1):
        world = tokens.position[0, row].numpy()
        index = np.linalg.solve(volume.affine, [*world, 1])[:3].round(6).astype(int)
        torch.testing.assert_close(features[(slice(None), *index)], tokens.values[0, row])


@pytest.mark.parametrize("describe", [frozen(encoder_of()), neighbourhood])
def test_mapping_before_interpolating_is_mapping_voxels(describe):
    features = describe(ball(0).volume)
    rows = features.rows()
    torch.manual_seed(1)
    weight, bias = torch.randn(4, rows.shape[1]), torch.randn(4)
    expected = (rows @ weight.T + bias).T.view(4, *features.size)
    torch.testing.assert_close(features.mapped(weight, bias), expected, atol=1e-4, rtol=1e-4)


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


def test_products_and_places():
    values = torch.tensor([2.0, 3, 5]).view(3, 1)
    assert with_products(values).flatten().tolist() == [2, 3, 5, 4, 6, 10, 9, 15, 25]
    volume = specks(0, share=0.02, brighter=1).volume
    mask = np.zeros(volume.size, np.int64)
    mask[4:8, 4:8] = 1  # whatever is seen there
    predict = DenseProbe().fit(placed(neighbourhood), [Labelled(volume, mask)] * 2, classes=2)
    assert dice(predict(specks(1, share=0.02, brighter=1).volume) > 0, mask > 0) > 0.8


def test_fine_tuning_learns_a_copy():
    encoder = encoder_of()
    before = {k: v.clone() for k, v in encoder.state_dict().items()}
    predict = FineTuning(steps=40, lr=5e-3).fit(encoder, [ball(0), ball(1)], classes=3)
    assert score(predict, ball(0), classes=3).dice > 0.5
    assert all(torch.equal(v, before[k]) for k, v in encoder.state_dict().items())
