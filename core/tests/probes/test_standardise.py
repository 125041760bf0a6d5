import numpy as np

from unlabeled.probes.standardise import standardise


def test_columns_are_scaled_by_the_training_items_alone():
    rng = np.random.default_rng(0)
    train, test = rng.normal(5, 3, (50, 4)), rng.normal(size=(7, 4))
    a, b = standardise(train, test)
    np.testing.assert_allclose(a.mean(0), 0, atol=1e-12)
    np.testing.assert_allclose(a.std(0), 1, atol=1e-12)
    np.testing.assert_allclose(b, (test - train.mean(0)) / train.std(0), atol=1e-12)


def test_a_column_that_is_constant_but_for_rounding_is_not_blown_up():
    train = np.full((40, 1), 1000.0, np.float32)
    train[3] = np.nextafter(np.float32(1000), np.float32(2000))
    a, b = standardise(train, train)
    assert np.abs(a).max() < 1e-3
    assert a.dtype == b.dtype == np.float32
