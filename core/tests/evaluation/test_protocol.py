from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from unlabeled.data.items import Items
from unlabeled.data.labels import Labels
from unlabeled.errors import DataError
from unlabeled.evaluation.labelling import grouped
from unlabeled.evaluation.matching import Labelled
from unlabeled.evaluation.protocol import choose_probe, design
from unlabeled.evaluation.seen_labels import Seen
from unlabeled.probes.logistic import Logistic
from unlabeled.probes.ridge import Ridge
from unlabeled.recipe import Choice

RIDGE = Choice("evaluators", "ridge", Ridge())


def items(groups):
    names = [f"i{place}" for place in range(len(groups))]
    return Items.of({"id": names, "source": names, "size": [1] * len(groups), "group": groups})


def given(labels, target, groups):
    labelled = Labelled(labels, np.arange(len(groups)), 0, 0)
    return grouped(labelled, [target], items(groups), Path(), Seen())


def laid_out(index_groups, **columns):
    count = len(index_groups)
    table = pa.table({"y": np.arange(count) / 3, **columns})
    labels = Labels(table, np.arange(2, 2 + count), "l.csv")
    return design(given(labels, "y", index_groups), RIDGE, folds=5)


def test_folds_go_before_a_split_and_a_split_before_groups():
    groups = [f"g{place}" for place in range(12)]
    split, fold = ["train", "test"] * 6, ["1", "2", "3"] * 4
    assert "3 folds of the labels" in laid_out(groups, split=split, fold=fold).described
    given = laid_out(groups, split=split)
    assert "6 items train, 6 test" in given.described
    assert given.tested.tolist() == list(range(1, 12, 2))
    assert laid_out(groups).described == "5 folds by group, each left out in turn"


def test_a_group_on_both_sides_of_a_given_split_is_said():
    protocol = laid_out(["a"] * 4 + ["b"] * 4, split=["train", "test"] * 4)
    assert any("2 groups on both sides" in note for note in protocol.notes)


def several(birds, groups):
    labels = Labels(pa.table({"bird": birds}), np.arange(2, 2 + len(birds)), "l.csv")
    labelled = given(labels, "bird", groups)
    choice, why = choose_probe(labelled, None)
    return why, design(labelled, choice, folds=3)


def test_each_of_several_labels_is_judged_by_itself_and_rare_ones_are_left_out():
    groups = ["a", "a", "b", "b", "c", "c"]
    birds = [["tit", "owl"], ["jay"], ["tit"], None, ["jay", "tit"], ["owl"]]
    birds[1] = ["jay", "eagle"]
    why, protocol = several(birds, groups)
    assert why == "inferred: bird holds several labels of one item; --probe chooses another"
    assert (type(protocol.probe), protocol.probe.metric) == (Logistic, "roc_auc")
    assert [target.name for target in protocol.targets] == ["bird: jay", "bird: owl", "bird: tit"]
    assert protocol.targets[2].values.tolist() == [1, 0, 1, 0, 1, 0]
    told = " ".join(protocol.notes)
    assert "3 of 6 items have several values of bird (l.csv, rows 2, 3 and 6)" in told
    assert "1 stand in too few groups to be trained and tested (eagle)" in told
    assert "1 of 6 items have no value of bird and take no part." in told


def test_a_measurement_that_an_item_has_twice_is_no_label():
    with pytest.raises(DataError, match=r"row 2, .* one number for each item, found 1 item with"):
        several([[0.5, 2.0], [1.5], [0.5], [2.5]], ["a", "a", "b", "b"])


def test_labels_that_cannot_be_judged_at_all_are_said():
    with pytest.raises(DataError, match=r"2 of 4 items have several values .* None of them"):
        several([["tit", "owl"], ["tit", "owl"], ["tit"], ["tit"]], ["a", "a", "b", "b"])
