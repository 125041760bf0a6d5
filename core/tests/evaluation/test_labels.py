import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from unlabeled.errors import DataError, UsageError
from unlabeled.evaluation.labels import (
    infer_task,
    read_labels,
    read_target,
    target_names,
)


def csv(tmp_path, text):
    path = tmp_path / "labels.csv"
    path.write_text(text)
    return read_labels(path)


def test_numbers_as_names_stay_text(tmp_path):
    table = csv(tmp_path, "item,group,fold,y\n001,01,1,2.5\n")
    assert table.to_pylist() == [{"item": "001", "group": "01", "fold": "1", "y": 2.5}]


def test_parquet_is_read_too(tmp_path):
    path = tmp_path / "labels.parquet"
    pq.write_table(pa.table({"item": ["a"], "y": [1.5]}), path)
    assert read_labels(path)["y"].to_pylist() == [1.5]


def test_a_table_that_cannot_be_used_is_named(tmp_path):
    with pytest.raises(DataError, match="no such labels table"):
        read_labels(tmp_path / "missing.csv")
    with pytest.raises(DataError, match=r"expected a column `item`.*found path, y"):
        csv(tmp_path, "path,y\na,1\n")
    (tmp_path / "labels.parquet").write_text("no parquet")
    with pytest.raises(DataError, match="expected a labels table"):
        read_labels(tmp_path / "labels.parquet")


def test_the_target_is_chosen_or_the_only_one(tmp_path):
    table = csv(tmp_path, "item,group,y,z\na,g,1,2\n")
    assert target_names(table, ["z", "y"]) == ["z", "y"]
    assert target_names(table.drop_columns("y"), ()) == ["z"]
    with pytest.raises(UsageError, match="several targets, choose: y, z"):
        target_names(table, ())
    with pytest.raises(UsageError, match=r"no column for target 'x'.*They have: y, z"):
        target_names(table, ["x"])


@pytest.mark.parametrize(
    ("values", "task"),
    [
        (["a", "b"], "classification"),
        ([True, False], "classification"),
        ([0, 1, None], "classification"),
        ([0.0, 1.0, float("nan")], "classification"),
        ([0.5, 1.0], "regression"),
        (list(range(21)), "regression"),
    ],
)
def test_the_task_follows_from_the_values(values, task):
    assert infer_task(pa.table({"y": values}), ["y"]) == task


def test_targets_of_both_kinds_are_refused():
    table = pa.table({"y": ["a", "b"], "z": [0.5, 0.7]})
    with pytest.raises(UsageError, match=r"y \(classification\), z \(regression\)"):
        infer_task(table, ["y", "z"])


def test_classes_are_numbered_in_order_and_gaps_are_known():
    target = read_target(pa.table({"y": ["b", None, "a", "b"]}), "y", "classification")
    assert target.classes == ("a", "b")
    assert target.known.tolist() == [True, False, True, True]
    assert target.values[target.known].tolist() == [1, 0, 1]
    numbers = read_target(pa.table({"y": [10.0, 2.0, float("nan")]}), "y", "classification")
    assert numbers.values[numbers.known].tolist() == [1, 0]


def test_quantities_are_taken_as_they_are():
    target = read_target(pa.table({"y": [1, 3, None]}), "y", "regression")
    assert target.values[target.known].tolist() == [1.0, 3.0]
    assert target.values.dtype == np.float64
    assert target.classes == ()


def test_a_target_of_the_wrong_kind_names_the_fitting_probe():
    table = pa.table({"text": ["a", "b"], "share": [0.5, 0.7], "empty": pa.nulls(2, pa.float64())})
    with pytest.raises(DataError, match=r"'text': expected numbers.*'a'.*logistic or knn"):
        read_target(table, "text", "regression")
    with pytest.raises(DataError, match=r"'share': expected classes.*ridge"):
        read_target(table, "share", "classification")
    with pytest.raises(DataError, match="'empty': no item has a value"):
        read_target(table, "empty", "regression")
