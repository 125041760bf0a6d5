import numpy as np
import pytest

from unlabeled_remote_sensing.evaluators.despeckling import equivalent_looks
from unlabeled_remote_sensing.filters import boxcar, refined_lee
from unlabeled_remote_sensing.synthetic import speckled


def intensity(reflectivity, seed=0):
    return np.abs(speckled(reflectivity, np.random.default_rng(seed)).astype("complex128")) ** 2


@pytest.mark.parametrize("size", [3, 5, 7])
def test_boxcar_is_the_mean_of_a_square(size):
    values = intensity(np.full((20, 24), 5.0))
    padded = np.pad(values, size // 2, mode="reflect")
    for row, column in ((0, 0), (9, 11), (19, 23)):
        expected = padded[row : row + size, column : column + size].mean()
        assert boxcar(values, size)[row, column] == pytest.approx(expected, rel=1e-12)


def test_a_boxcar_multiplies_the_looks_by_its_pixels():
    flat = boxcar(intensity(np.full((300, 300), 5.0)), 3)
    assert equivalent_looks(flat) == pytest.approx(9, rel=0.1)


def test_refined_lee_leaves_a_constant_image_and_keeps_the_mean():
    np.testing.assert_allclose(refined_lee(np.full((20, 20), 3.0)), 3.0)
    flat = intensity(np.full((200, 200), 5.0))
    restored = refined_lee(flat)
    assert restored.mean() == pytest.approx(5.0, rel=0.05)
    assert equivalent_looks(restored) > 5


@pytest.mark.parametrize("turns", range(4))
def test_refined_lee_keeps_edges_that_a_boxcar_of_its_size_blurs(turns):
    step = np.where(np.arange(64) < 32, 5.0, 100.0)[None].repeat(64, axis=0)
    noisy = np.rot90(intensity(step), turns)
    near = np.rot90(np.broadcast_to(np.arange(64) == 30, (64, 64)), turns)
    assert refined_lee(noisy)[near].mean() < boxcar(noisy, 7)[near].mean() / 2
    # Turning the image turns the result; at the borders reflection makes ties.
    turned, expected = refined_lee(np.rot90(noisy)), np.rot90(refined_lee(noisy))
    np.testing.assert_allclose(turned[4:-4, 4:-4], expected[4:-4, 4:-4], rtol=1e-9)
