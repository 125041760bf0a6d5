import csv
from collections import Counter

import numpy as np

from unlabeled_tabular.synthetic import write


def test_no_column_alone_shows_the_class(tmp_path):
    write(tmp_path, count=400, seed=0)
    rows = list(csv.DictReader((tmp_path / "trees.csv").open()))
    labels = list(csv.DictReader((tmp_path / "labels.csv").open()))
    assert [label["item"] for label in labels] == [f"trees.csv#{n}" for n in range(2, 402)]
    assert set(Counter(label["label"] for label in labels).values()) == {100}
    assert set(Counter(row["group"] for row in rows).values()) == {4}
    kind = np.array([label["label"] for label in labels])
    for place in range(10):
        column = np.array([float(row[f"number{place}"] or "nan") for row in rows])
        means = [np.nanmean(column[kind == each]) for each in np.unique(kind)]
        assert np.abs(means).max() < 0.35


def test_a_seed_gives_the_same_table(tmp_path):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        (tmp_path / name).mkdir()
        write(tmp_path / name, count=12, seed=seed)
    a, b, c = ((tmp_path / name / "trees.csv").read_text() for name in "abc")
    assert a == b != c
