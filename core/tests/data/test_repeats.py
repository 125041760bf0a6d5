import numpy as np
import pyarrow as pa
import pytest

from unlabeled.data.repeats import gather
from unlabeled.errors import DataError


def test_values_that_differ_become_lists_and_equal_rows_count_once():
    table = pa.table(
        {
            "bird": ["tit", "tit", "owl", None, "jay", None],
            "site": ["a", "a", "a", None, "b", "c"],
            "level": [1.5, 1.5, 1.5, None, 2.5, 0.5],
        }
    )
    found = gather(table, np.array([0, 0, 0, 4, 4, 7]), one=["site"])
    assert found.table.to_pydict() == {
        "bird": [["tit", "owl"], ["jay"], None],
        "site": ["a", "b", "c"],
        "level": [1.5, 2.5, 0.5],
    }
    assert found.first.tolist() == [0, 3, 5]
    assert found.repeated.tolist() == [1]


def test_what_has_no_repeats_stays_as_it_is():
    table = pa.table({"bird": ["tit", None]})
    found = gather(table, np.array([3, 5]))
    assert found.table is table
    assert found.first.tolist() == [0, 1]


def test_two_values_of_what_has_one_are_a_contradiction_with_its_rows():
    table = pa.table({"site": ["a", "b", "b"]})
    with pytest.raises(DataError, match=r"rows \[0, 1\], column site: .* found 'a' and 'b'"):
        gather(table, np.array([1, 1, 1]), ["site"], lambda places: f"rows {places}")
