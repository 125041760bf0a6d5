import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlabeled.errors import DataError
from unlabeled.probes.splits import by_fold, by_split, inner_folds, leave_groups_out, splits_of

groupings = st.lists(st.sampled_from("abcdefgh"), min_size=2, max_size=60).filter(
    lambda groups: len(set(groups)) > 1
)


@given(groupings, st.integers(2, 7))
def test_no_group_is_on_both_sides_and_each_item_is_tested_once(groups, folds):
    groups = np.array(groups)
    splits = leave_groups_out(groups, folds)
    assert len(splits) == min(folds, len(set(groups)))
    for split in splits:
        assert not set(groups[split.train]) & set(groups[split.test])
        assert sorted([*split.train, *split.test]) == list(range(len(groups)))
    tested = np.concatenate([split.test for split in splits])
    assert sorted(tested) == list(range(len(groups)))


@given(groupings)
def test_inner_folds_leave_whole_groups_out(groups):
    groups = np.array(groups)
    for train, test in inner_folds(groups):
        assert not set(groups[train]) & set(groups[test])


@given(groupings)
def test_folds_depend_on_the_groups_alone(groups):
    first, second = (leave_groups_out(np.array(groups), 3) for _ in range(2))
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a.test, b.test)


def test_a_single_training_group_is_split_by_item():
    folds = inner_folds(np.array(["a"] * 7))
    assert sorted(i for _, test in folds for i in test) == list(range(7))


def test_one_group_cannot_be_left_out():
    with pytest.raises(DataError, match="all 3 labelled items are of one group"):
        leave_groups_out(np.array(["a"] * 3), 5)


def test_given_folds_are_left_out_in_turn():
    splits = by_fold(np.array(["2", "1", "2", "3"]))
    assert [split.test.tolist() for split in splits] == [[1], [0, 2], [3]]
    assert [split.train.tolist() for split in splits] == [[0, 2, 3], [1, 3], [0, 1, 2]]
    with pytest.raises(DataError, match="two folds or more"):
        by_fold(np.array(["1", "1"]))


def test_a_given_split_is_followed():
    (split,) = by_split(np.array(["test", "train", "valid", "train"]))
    assert (split.train.tolist(), split.test.tolist()) == ([1, 3], [0])
    with pytest.raises(DataError, match="'train', 'valid': expected both"):
        by_split(np.array(["train", "valid"]))


def test_folds_of_the_labels_go_before_their_split_and_this_before_folds_by_group():
    groups = np.array(["a", "a", "b", "c"])
    table = pa.table({"item": list("wxyz")})
    split = table.append_column("split", [["train", "valid", "test", "test"]])
    folded = split.append_column("fold", [[1, 1, 2, 2]])
    (one,), described = splits_of(split, groups, 3, "nodes")
    assert (one.train.tolist(), one.test.tolist()) == ([0], [2, 3])
    assert described == "the split of the labels: 1 nodes train, 2 test"
    found, described = splits_of(folded, groups, 3)
    assert [each.test.tolist() for each in found] == [[0, 1], [2, 3]]
    assert described == "the 2 folds of the labels, each left out in turn"
    found, described = splits_of(table, groups, 3)
    assert sorted(each.test.tolist() for each in found) == [[0, 1], [2], [3]]
    assert described == "3 folds by group, each left out in turn"
