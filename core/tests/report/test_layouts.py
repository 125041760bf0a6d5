import numpy as np
import pytest

from unlabeled.report.layouts import layouts


def clusters():
    rng = np.random.default_rng(0)
    return np.concatenate([rng.normal(4 * k, 1, (25, 12)) for k in range(3)])


def test_both_maps_keep_clusters_together_and_are_the_same_each_time():
    found, again = layouts(clusters()), layouts(clusters())
    assert list(found) == ["t-SNE", "PCA"]
    for name, places in found.items():
        assert (places == again[name]).all()
        assert places.shape == (75, 2)
        assert places.min() >= -1e-6
        assert places.max() <= 1 + 1e-6
        centres = places.reshape(3, 25, 2).mean(1)
        spread = np.linalg.norm(places.reshape(3, 25, 2) - centres[:, None], axis=2).mean()
        assert spread < np.linalg.norm(centres[0] - centres[2]) / 2


@pytest.mark.parametrize("shape", [(10, 1), (12, 400)])
def test_narrow_and_wide_embeddings_have_a_map(shape):
    for places in layouts(np.random.default_rng(0).normal(size=shape)).values():
        assert np.isfinite(places).all()
