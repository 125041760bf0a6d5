"""Label maps lie on their volumes: turned, cut, sliced and resampled alike."""

import nibabel
import numpy as np
import pytest

from unlabeled.errors import UnreadableItem
from unlabeled.randomness import keyed_rng
from unlabeled_medical.readers.volumes import Volumes

STORED = np.diag([-2.0, 1.0, 1.0, 1.0])
SIZE = (9, 12, 11)


def save(path, array, affine=STORED):
    nibabel.save(nibabel.Nifti1Image(array, affine), path)


@pytest.fixture
def pair(tmp_path):
    """An image whose voxels are all different, and a label map that is 3 where they are high."""
    image = np.random.default_rng(0).permutation(np.prod(SIZE)).reshape(SIZE)
    save(tmp_path / "image.nii.gz", image.astype(np.float32))
    save(tmp_path / "seg.nii.gz", np.where(image > 600, 3, 0).astype(np.uint8))
    return tmp_path / "image.nii.gz", tmp_path / "seg.nii.gz"


def target_of(reader, pair, rng=None, item=0):
    image, mask = pair
    items = reader.index(image)
    sample = reader.read(items[item], rng)
    return sample, reader.read_target(items[item], mask, like=sample)


def test_a_voxel_without_a_number_is_no_background(pair):
    labels = np.zeros(SIZE, np.float32)
    labels[0, 0, :2] = np.nan
    save(pair[1], labels)
    with pytest.raises(
        UnreadableItem, match=r"found 2 voxels NaN .* -1 where the class is unknown"
    ):
        target_of(Volumes(intensity="stored"), pair)
    labels[0, 0, :2] = -1
    save(pair[1], labels)
    _, found = target_of(Volumes(intensity="stored"), pair)
    assert (found.classes() == -1).sum() == 2


@pytest.mark.parametrize(
    "settings", [{}, {"orientation": "stored"}, {"patch": 5}, {"patch": (4, 7, 3)}]
)
def test_labels_are_where_their_voxels_are(pair, settings):
    reader = Volumes(intensity="stored", **settings)
    for number in range(4):
        sample, target = target_of(reader, pair, keyed_rng(number) if settings else None)
        assert target.size == sample.size
        np.testing.assert_array_equal(target.affine, sample.affine)
        np.testing.assert_array_equal(target.classes(), 3 * (sample.values[0].numpy() > 600))


@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal"])
def test_slices_have_the_labels_of_their_plane(pair, plane):
    reader = Volumes(intensity="stored", slices=plane)
    for item in (0, 4):
        sample, target = target_of(reader, pair, item=item)
        np.testing.assert_array_equal(target.classes(), 3 * (sample.values[0].numpy() > 600))


def test_labels_of_resampled_volumes_are_those_of_the_nearest_voxel(pair):
    stored = np.asarray(nibabel.load(pair[1]).dataobj)
    sample, target = target_of(Volumes(spacing=(1.0, 1.0, 1.0)), pair)
    assert target.size == sample.size == (17, 12, 11)
    np.testing.assert_array_equal(target.classes()[::2], stored[::-1])
    window, part = target_of(Volumes(spacing=(1.0, 1.0, 1.0), patch=6), pair, keyed_rng(1))
    start = np.linalg.solve(sample.affine[:3, :3], (window.affine - sample.affine)[:3, 3])
    box = tuple(slice(a, a + 6) for a in start.round().astype(int))
    np.testing.assert_array_equal(part.classes(), target.classes()[box])


def test_a_mask_of_any_grid_is_brought_to_its_image(pair):
    """Cut around what is labelled, and with voxels of half the size: background lies beyond."""
    mask = np.asarray(nibabel.load(pair[1]).dataobj)
    fine = mask[2:7, 3:9, 1:8].repeat(2, 0).repeat(2, 1).repeat(2, 2)
    affine = STORED @ np.diag([0.5, 0.5, 0.5, 1])
    affine[:3, 3] = (STORED @ [1.75, 2.75, 0.75, 1])[:3]
    save(pair[1], fine, affine)
    expected = np.zeros(SIZE)
    expected[2:7, 3:9, 1:8] = mask[2:7, 3:9, 1:8]
    np.testing.assert_array_equal(target_of(Volumes(), pair)[1].classes(), expected[::-1])
    sample, target = target_of(Volumes(patch=6), pair, keyed_rng(1))
    assert target.size == sample.size
    assert set(np.unique(target.classes())) <= {0, 3}


def test_a_mask_that_lies_elsewhere_is_refused(pair):
    far = STORED.copy()
    far[:3, 3] = 500
    save(pair[1], np.zeros((4, 4, 4), np.uint8), far)
    with pytest.raises(UnreadableItem, match=r"the grid of its image, \(9, 12, 11\)"):
        target_of(Volumes(), pair)
    for place in (far, np.diag([-2.0, 1.0, 1.0, 1.0]) + np.eye(4, k=3) * 3):
        save(pair[1], np.zeros(SIZE, np.uint8), place)
        with pytest.raises(UnreadableItem, match="another place"):
            target_of(Volumes(), pair)
    save(pair[1], np.zeros(SIZE, np.uint8), far)
    with pytest.raises(UnreadableItem, match="another place"):
        target_of(Volumes(spacing=(1.0, 1.0, 1.0)), pair)


def test_what_holds_no_classes_is_refused(pair):
    save(pair[1], np.full(SIZE, 0.5, np.float32))
    with pytest.raises(UnreadableItem, match="whole class numbers"):
        target_of(Volumes(), pair)
    pair[1].write_bytes(b"no image")
    with pytest.raises(UnreadableItem, match="one label map"):
        target_of(Volumes(), pair)
