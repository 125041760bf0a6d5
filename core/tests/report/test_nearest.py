import numpy as np
import pytest

from unlabeled.report.nearest import nearest


def test_neighbours_are_those_of_the_command():
    """Cosine of standardised columns, as `unlabeled neighbours` ranks."""
    vectors = np.random.default_rng(0).normal(size=(40, 6)) * [1, 10, 1, 1, 1, 1]
    scaled = (vectors - vectors.mean(0)) / vectors.std(0)
    unit = scaled / np.linalg.norm(scaled, axis=1, keepdims=True)
    found = nearest(vectors, np.arange(100, 140), 5, 3)
    assert [each.query for each in found] == [100, 110, 120, 129, 139]
    cosine = unit @ unit[20]
    cosine[20] = -2
    assert found[2].places == tuple(100 + np.argsort(-cosine)[:3])
    assert found[2].similarity[0] == pytest.approx(np.sort(cosine)[-1])
