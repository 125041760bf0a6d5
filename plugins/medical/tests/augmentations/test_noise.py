import numpy as np
from linear_fields import field

from unlabeled_medical.augmentations.noise import Noise


def test_noise_has_the_drawn_spread():
    volume = field((40, 40, 40))
    spreads = [
        float((Noise(largest=0.5)(volume, np.random.default_rng(s)).values - volume.values).std())
        for s in range(30)
    ]
    assert 0.15 < np.mean(spreads) < 0.35
    assert max(spreads) < 0.51
