import numpy as np

from unlabeled_tabular.augmentations.corrupt import Corrupt


def test_the_share_of_cells_takes_values_of_their_own_columns(rows):
    rng, corrupt = np.random.default_rng(0), Corrupt(share=0.4)
    changed = np.zeros(5)
    for _ in range(400):
        found = corrupt(rows[1], rng)
        assert set(found.numbers[:2]) <= set(rows[0].marginals.numbers[:, :2].ravel())
        assert found.numbers[0] in rows[0].marginals.numbers[:, 0]
        assert found.texts[1] in {"flat", "hill", "steep", ""}
        changed[:3] += ~np.isclose(found.numbers, rows[1].numbers)
        changed[3:] += found.texts != rows[1].texts
    # 2 of 5 cells are drawn; a drawn category may be the one that was there.
    np.testing.assert_allclose(changed[:2] / 400, 0.4, atol=0.08)
    assert (changed[2:] > 0).all()


def test_cells_are_drawn_independently_of_one_another(rows):
    rng, seen = np.random.default_rng(0), set()
    for _ in range(200):
        found = Corrupt(share=1.0)(rows[0], rng)
        seen.add((found.numbers[0], found.numbers[1]))
    pairs = {tuple(pair) for pair in rows[0].marginals.numbers[:, :2].tolist()}
    assert len(seen - pairs) > 150
