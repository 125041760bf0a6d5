import numpy as np
import pytest
from linear_fields import field

from unlabeled_medical.augmentations.cutout import Cutout


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9])
def test_cutout_hides_an_exact_share(share):
    volume = field((11, 13, 9))
    for seed in range(5):
        step = Cutout(share=share)
        changed = step(volume, np.random.default_rng(seed))
        count = int((changed.values != volume.values).sum())
        assert count == round(share * volume.values.numel())
