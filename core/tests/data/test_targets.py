import decimal

import numpy as np
import pyarrow as pa
import pytest

from unlabeled.data.labels import Labels
from unlabeled.data.targets import has_several, infer_task, read_targets
from unlabeled.errors import DataError, UsageError


def labels(**columns):
    table = pa.table(columns)
    return Labels(table, np.arange(2, 2 + table.num_rows), "l.csv")


def only(values, task):
    (target,) = read_targets(labels(y=values), "y", task)
    return target


@pytest.mark.parametrize(
    ("values", "task", "why"),
    [
        (["a", "b"], "classification", "2 different words"),
        ([True, False], "classification", ""),
        ([0, 1, None], "classification", "2 different whole numbers in 2 rows: classes"),
        ([0.0, 1.0, float("nan")], "classification", "whole numbers"),
        ([0.5, 1.0], "regression", "numbers with fractions"),
        (list(range(21)) * 3, "regression", "21 different whole numbers in 63 rows: quantities"),
        ([float(n) for n in range(1, 11)], "regression", "10 different whole numbers in 10 rows"),
        ([float(n) for n in range(1, 11)] * 2, "classification", "10 different whole numbers"),
        (["1", "2", "3a", "3b"], "classification", "4 different words"),
        ([decimal.Decimal("0.5"), decimal.Decimal("1.5")], "regression", "fractions"),
    ],
)
def test_the_task_follows_from_the_values_by_a_rule_that_is_told(values, task, why):
    found, because = infer_task(labels(y=values), ["y"])
    assert found == task
    assert because.startswith("y holds ")
    assert why in because


def test_targets_of_both_kinds_are_refused():
    with pytest.raises(UsageError, match=r"y \(classification\), z \(regression\)"):
        infer_task(labels(y=["a", "b"], z=[0.5, 0.7]), ["y", "z"])


def test_one_field_among_numbers_that_is_none_is_named_with_its_row():
    mixed = labels(y=["1.5", "2.5", ">10", "4.5", None])
    for read in (lambda: infer_task(mixed, ["y"]), lambda: read_targets(mixed, "y", "regression")):
        with pytest.raises(DataError) as error:
            read()
        assert "l.csv, row 4, column y: expected numbers" in str(error.value)
        assert "found '>10'" in str(error.value)
    assert (
        len(read_targets(labels(y=["1", "1", ">2", ">2"]), "y", "classification")[0].classes) == 2
    )


def test_infinity_is_no_label():
    endless = labels(y=[1.5, float("inf")])
    for read in (
        lambda: infer_task(endless, ["y"]),
        lambda: read_targets(endless, "y", "regression"),
        lambda: read_targets(endless, "y", "classification"),
    ):
        with pytest.raises(DataError, match=r"l\.csv, row 3, column y: .*found '?inf"):
            read()


def test_classes_are_numbered_in_order_and_gaps_are_known():
    target = only(["b", None, "a", "b"], "classification")
    assert target.classes == ("a", "b")
    assert target.known.tolist() == [True, False, True, True]
    assert target.values[target.known].tolist() == [1, 0, 1]
    numbers = only([10.0, 2.0, float("nan")], "classification")
    assert numbers.values[numbers.known].tolist() == [1, 0]


def test_quantities_are_taken_as_they_are():
    target = only([1, 3, None], "regression")
    assert target.values[target.known].tolist() == [1.0, 3.0]
    assert target.values.dtype == np.float64
    assert target.classes == ()


def test_a_target_of_the_wrong_kind_names_the_fitting_probe():
    with pytest.raises(DataError, match=r"'y': expected numbers.*'a'.*logistic or knn"):
        only(["a", "b"], "regression")
    with pytest.raises(DataError, match=r"'y': expected classes.*ridge"):
        only([0.5, 0.7], "classification")
    with pytest.raises(DataError, match="'y': no item has a value"):
        only(pa.nulls(2, pa.float64()), "regression")
    with pytest.raises(DataError, match="another value for each of 3 items"):
        only(["a", "b", "c"], "classification")


def test_several_labels_of_an_item_are_one_target_each():
    several = labels(y=[["tit"], ["blackbird", "tit"], None, ["blackbird"]])
    assert has_several(several, "y")
    assert infer_task(several, ["y"]) == ("classification", "y holds several labels of one item")
    blackbird, tit = read_targets(several, "y", "classification")
    assert (blackbird.name, tit.label) == ("y: blackbird", "tit")
    assert blackbird.values.tolist() == [0, 1, 0, 1]
    assert tit.values.tolist() == [1, 1, 0, 0]
    assert tit.known.tolist() == [True, True, False, True]
    assert tit.classes == ("no", "yes")


def test_a_measurement_that_stands_twice_is_no_pair_of_labels():
    twice = labels(y=[[0.5, 2.0], [1.5], None])
    assert infer_task(twice, ["y"]) == ("regression", "y holds numbers with fractions")
    with pytest.raises(DataError, match=r"l\.csv, row 2, column y: expected one number for each"):
        read_targets(twice, "y", "regression")
    assert infer_task(labels(y=[[1.0, 2.0], [1.0]]), ["y"])[0] == "classification"


def test_several_numbers_of_one_item_are_no_quantity():
    with pytest.raises(DataError, match=r"l\.csv, row 3, column y: expected one number .*\[1.0, 2"):
        read_targets(labels(y=[[3.0], [1.0, 2.0]]), "y", "regression")
