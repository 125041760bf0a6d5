from pathlib import Path

import numpy as np
import pyarrow as pa

from unlabeled.data.items import Items
from unlabeled.data.labels import Labels
from unlabeled.evaluation.labelling import grouped
from unlabeled.evaluation.matching import Labelled
from unlabeled.evaluation.seen_labels import Seen
from unlabeled.labelled import Labelled as SeenLabels


def given(index_groups, *seen, **columns):
    count = len(index_groups)
    names = [f"i{place}" for place in range(count)]
    items = Items.of({"id": names, "source": names, "size": [1] * count, "group": index_groups})
    labels = Labels(pa.table({"y": np.arange(count), **columns}), np.arange(2, 2 + count), "l.csv")
    labelled = Labelled(labels, np.arange(count), 0, 0)
    return grouped(labelled, ["y"], items, Path("there"), Seen(seen))


def test_the_groups_of_the_labels_go_before_those_of_the_index():
    found = given(["a", "a", "b", "b"], group=["x", "y", "x", None])
    assert found.groups.tolist() == ["x", "y", "x", "item i3"]


def test_without_groups_each_item_is_its_own_and_that_is_said():
    found = given([""] * 12)
    assert len(set(found.groups)) == 12
    assert any("each item counts as its own" in note for note in found.notes)


def test_whole_groups_of_what_had_labels_are_not_testable():
    found = given(["a", "a", "b", "c"], SeenLabels(groups=frozenset({"item i1"})))
    assert found.testable.tolist() == [False, False, True, True]
    assert found.notes == ()
    taken = found.take(np.array([1, 2]))
    assert (taken.groups.tolist(), taken.testable.tolist()) == (["a", "b"], [False, True])
    assert taken.where([1]) == "l.csv, row 4"
