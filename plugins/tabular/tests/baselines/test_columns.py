import numpy as np

from unlabeled_tabular.baselines.columns import RawColumns


def test_numbers_one_column_per_category_and_flags_of_empty_numbers(rows):
    first = RawColumns()(rows[0])
    age, fare = rows[0].numbers[:2]
    soil = [rows[0].texts[0] == value for value in ("clay", "sand")]
    np.testing.assert_allclose(first, [age, fare, 0, *soil, 0, 0, 0, 0, 0, 1])
    assert RawColumns()(rows[1])[-1] == 0
