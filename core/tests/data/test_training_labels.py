"""Labels by item: numbers of classes, values, or multi-hot vectors, as `evaluate` reads them."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from unlabeled.data.items import Items
from unlabeled.data.labels import read_labels
from unlabeled.data.targets import read_targets
from unlabeled.data.training_labels import LabelSettings, training_labels
from unlabeled.errors import DataError
from unlabeled.evaluation.matching import match
from unlabeled.inference.reading import Source

NAMES = ["a", "b", "c", "d", "e"]


@pytest.fixture
def items():
    return Items.of({"id": NAMES, "source": NAMES, "size": [1] * 5})


def found(items, table, target="kind"):
    return training_labels(LabelSettings(table=str(table), target=target), items, table.parent)


def write(tmp_path, *rows, head="item,kind"):
    table = tmp_path / "labels.csv"
    table.write_text("\n".join([head, *rows]) + "\n")
    return table


def test_classes_are_numbers_and_items_without_a_label_have_no_target(items, tmp_path):
    labels = found(items, write(tmp_path, "c,owl", "a,jay", "b,"))
    assert labels.kind == "class"
    assert [labels.of(place) for place in range(5)] == [{"kind": 0}, {}, {"kind": 1}, {}, {}]
    assert labels.facts == {"classes": 2, "class_names": ["jay", "owl"]}


def test_values_are_no_classes(items, tmp_path):
    labels = found(items, write(tmp_path, "a,0.5", "b,1.25"))
    assert (labels.kind, labels.facts) == ("value", {})
    assert labels.of(1) == {"kind": 1.25}


def test_several_rows_of_an_item_make_multi_hot_vectors(items, tmp_path):
    table = write(tmp_path, "d,tit", "a,owl", "b,owl", "a,jay", "c,", "a,jay")
    labels = found(items, table)
    assert labels.kind == "classes"
    assert labels.facts == {"classes": 3, "class_names": ["jay", "owl", "tit"]}
    assert [labels.of(n).get("kind", np.array([])).tolist() for n in range(5)] == [
        [1, 1, 0],
        [0, 1, 0],
        [],
        [0, 0, 1],
        [],
    ]
    assert labels.of(0)["kind"].dtype == np.float32
    with pytest.raises(ValueError, match="read-only"):
        labels.of(0)["kind"][0] = 0
    assert labels.notes == ("1 label repeats others (labels.csv, row 7): once is counted.",)


def test_an_empty_list_is_none_of_the_classes_and_null_is_unknown(items, tmp_path):
    table = tmp_path / "labels.parquet"
    kinds = pa.array([["owl", "jay"], [], None, ["jay"]])
    pq.write_table(pa.table({"item": NAMES[:4], "kind": kinds}), table)
    labels = found(items, table)
    assert labels.of(1)["kind"].tolist() == [0, 0]
    assert labels.of(2) == labels.of(4) == {}


def test_vectors_are_what_evaluate_makes_of_the_table(items, tmp_path):
    rng = np.random.default_rng(0)
    rows = [f"{item},{kind},{item}" for item in NAMES for kind in rng.choice([*"xyz"], 2)]
    table = write(tmp_path, *rng.permutation(rows), head="item,kind,group")
    labels = found(items, table)
    matched = match(read_labels(table), Source(items, None), tmp_path)
    targets = read_targets(matched.labels, "kind", "classification")
    assert labels.classes == tuple(each.label for each in targets)
    for row, place in enumerate(matched.rows.tolist()):
        assert labels.of(place)["kind"].tolist() == [each.values[row] for each in targets]


def test_rows_that_are_left_out_are_counted(items, tmp_path):
    table = write(
        tmp_path, "a,owl,train", "b,jay,train", "c,jay,test", "z,owl,train", head="item,kind,split"
    )
    labels = found(items, table)
    assert sorted(labels.values) == [0, 1]
    assert labels.notes == (
        "1 label is not of the split train: left out.",
        "1 of 4 labels are about items that are not in the data, and are left out "
        "(labels.csv, row 5).",
    )


def test_two_groups_of_one_item_and_labels_of_stretches_are_refused(items, tmp_path):
    table = write(tmp_path, "a,owl,g", "a,jay,h", head="item,kind,group")
    with pytest.raises(DataError, match=r"rows 2 and 3, column group: expected one value"):
        found(items, table)
    table = write(tmp_path, "a,owl,0,1", head="item,kind,start,end")
    with pytest.raises(DataError, match="training takes labels of whole items"):
        found(items, table)


def test_masks_are_files_by_position_and_have_labels_too(items, tmp_path):
    for name in "xy":
        (tmp_path / f"{name}.png").touch()
    table = write(tmp_path, "c,y.png,p", "a,x.png,q", "b,,q", head="item,kind,group")
    labels = found(items, table)
    assert labels.masks == {0: tmp_path / "x.png", 2: tmp_path / "y.png"}
    assert (labels.kind, labels.values, labels.facts, labels.of(0)) == ("mask", {}, {}, {})
    assert sorted(labels.positions) == [0, 2]
    assert {labels.groups[place] for place in labels.positions} == {"p", "q"}
    write(tmp_path, "a,x.png", "a,y.png")
    with pytest.raises(DataError, match=r"row 2, column kind: expected one mask file .* found 2"):
        found(items, table)
