"""What each augmentation does to values and places; purity and seeding are the kit's business."""

import numpy as np
import pytest
import torch
from linear_fields import field, linear

from unlabeled_medical.augmentations.crop import Crop
from unlabeled_medical.augmentations.flip import Flip
from unlabeled_medical.augmentations.resized_crop import ResizedCrop


@pytest.mark.parametrize("size", [(12, 10, 14), (12, 10)])
@pytest.mark.parametrize("step", [Crop(size=7), Flip(axes=(0, 1)), ResizedCrop(size=9)])
def test_places_in_the_world_are_kept(step, size):
    for seed in range(6):
        changed = step(field(size), np.random.default_rng(seed))
        inner = (slice(None), *[slice(1, -1)] * len(size))
        torch.testing.assert_close(changed.values[inner], linear(changed)[inner], rtol=0, atol=1e-3)
