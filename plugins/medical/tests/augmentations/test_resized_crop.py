import numpy as np
from linear_fields import field

from unlabeled_medical.augmentations.resized_crop import ResizedCrop
from unlabeled_medical.volume import LabelMap


def test_a_resized_mask_takes_the_nearest_voxel():
    volume = field()
    labels = LabelMap((volume.values > volume.values.mean()).float(), volume.affine, volume.present)
    for seed in range(6):
        step = ResizedCrop(size=21)
        image, mask = (step(each, np.random.default_rng(seed)) for each in (volume, labels))
        assert set(np.unique(mask.values)) <= {0.0, 1.0}
        np.testing.assert_array_equal(image.affine, mask.affine)
        expected = (image.values > volume.values.mean()).float()
        assert (expected != mask.values).float().mean() < 0.06  # half a voxel along one surface
