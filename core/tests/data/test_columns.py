import numpy as np
import pyarrow as pa
import pytest

from unlabeled.data.columns import notes_on_missing, numbers, parse, typed
from unlabeled.data.tables import Table, read_table
from unlabeled.errors import DataError


def read(tmp_path, text):
    (tmp_path / "t.csv").write_text(text)
    return read_table(tmp_path / "t.csv")


def column(tmp_path, *values, name="y"):
    return read(tmp_path, "\n".join([f"i,{name}", *(f"0,{value}" for value in values)]))


@pytest.mark.parametrize(
    ("written", "kind", "values"),
    [
        (["1", "-2", "+3"], "int64", [1, -2, 3]),
        (["1.0", "2"], "double", [1.0, 2.0]),
        (["1e3", ".5", "5."], "double", [1000.0, 0.5, 5.0]),
        (["1", "", "NA"], "int64", [1, None, None]),
        (["1", ">10"], "string", ["1", ">10"]),
        (["1", "inf"], "string", ["1", "inf"]),
        (["007", "12"], "string", ["007", "12"]),
        (["0.5", "0"], "double", [0.5, 0.0]),
        (["", "nan"], "string", [None, None]),
        (["2024-05-01", "2024-05-02"], "string", ["2024-05-01", "2024-05-02"]),
    ],
)
def test_numbers_are_numbers_and_all_else_is_text(tmp_path, written, kind, values):
    found = typed(column(tmp_path, *written)).columns["y"]
    assert (str(found.type), found.to_pylist()) == (kind, values)


def test_columns_can_be_kept_as_text(tmp_path):
    found = typed(read(tmp_path, "item,y\n1,2\n"), ["item"]).columns
    assert found.to_pydict() == {"item": ["1"], "y": [2]}


def test_decimal_commas_are_numbers_between_semicolons_only(tmp_path):
    assert typed(read(tmp_path, "a;y\n1;2,5\n")).columns["y"].to_pylist() == [2.5]
    assert typed(read(tmp_path, 'a,y\n1,"2,5"\n')).columns["y"].to_pylist() == ["2,5"]


@pytest.mark.parametrize("wrong", [">10", "inf", "-inf", "1_000", "0x1f", "soon"])
def test_the_field_that_is_no_number_is_named_with_its_row(tmp_path, wrong):
    table = column(tmp_path, "1", "2", wrong, "3", wrong)
    with pytest.raises(DataError) as error:
        numbers(table, "y")
    assert f"t.csv, row 4, column y: expected a finite number or nothing, found {wrong!r}" in str(
        error.value
    )
    assert "and 1 more row" in str(error.value)


def test_missing_values_are_known_to_be_missing(tmp_path):
    values, known = numbers(column(tmp_path, "1.5", "", "n/a"), "y")
    assert (values.tolist(), known.tolist()) == ([1.5, 0, 0], [True, False, False])


def test_numbers_of_parquet_may_be_missing_and_not_infinite(tmp_path):
    table = Table(tmp_path / "t.parquet", pa.table({"y": [1.0, float("nan")]}), np.arange(1, 3))
    assert numbers(table, "y")[1].tolist() == [True, False]
    found = parse(pa.chunked_array([[1.0, float("inf")]]))
    assert found.wrong.tolist() == [False, True]


def test_words_for_missing_values_are_counted_with_their_rows(tmp_path):
    table = column(tmp_path, "a", "NA", "b", "n/a", "")
    assert notes_on_missing(table, typed(table), ["i", "y"]) == [
        "t.csv, column y: 2 fields ('NA', 'n/a'; rows 3 and 5) count as missing."
    ]
