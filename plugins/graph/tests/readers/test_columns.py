import numpy as np
import pyarrow as pa
import pytest

from unlabeled.data.tables import Table, read_table
from unlabeled.errors import UnreadableItem
from unlabeled_graph.readers.columns import ColumnPolicy


def table(tmp_path, text):
    file = tmp_path / "t.csv"
    file.write_text(text)
    return read_table(file)


def test_columns_become_numbers_by_what_they_hold(tmp_path):
    found = table(tmp_path, "key;size;when;kind\na;1,5;2000-01-01;x\nb;2;2001-01-01;y\n")
    values, notes = ColumnPolicy(categories={"kind": ("y",)}).features(found, ("key",))
    np.testing.assert_allclose(values, [[1.5, 0, 0, 1], [2, 366 / 365.25, 1, 0]], rtol=1e-6)
    assert notes == ["t.csv, column when: dates count in years since 2000."]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("k,size\na,1\nb,\nc,x\n", "a finite number in every row of column size .* rows 3 and 4"),
        ("k,size\na,1\nb,inf\n", "found 'inf' in row 3"),
        ("k,when\na,2000-01-01\nb,\n", "a date in every row of column when"),
    ],
)
def test_fields_that_do_not_fit_their_column_are_named(tmp_path, text, message):
    with pytest.raises(UnreadableItem, match=message):
        ColumnPolicy().features(table(tmp_path, text), ("k",))


@pytest.mark.parametrize("text", ["k,d\na,2000-13-01\n", "k,d\na,x\nb,\n", "k,d\na,\nb,\n"])
def test_what_is_neither_number_nor_date_is_left_out(tmp_path, text):
    values, (note,) = ColumnPolicy().features(table(tmp_path, text), ("k",))
    assert values.shape[1] == 0
    assert note.startswith("t.csv, column d: left out")


def test_types_of_parquet(tmp_path):
    columns = pa.table(
        {
            "flag": [True, False],
            "day": pa.array([0, 366], pa.date32()),
            "at": pa.array([946684800000000000, 0], pa.timestamp("ns", "UTC")),
            "list": [[1], [2]],
        }
    )
    values, notes = ColumnPolicy().features(Table(tmp_path, columns, np.arange(2)), ())
    np.testing.assert_allclose(values[:, 0], [1, 0])
    np.testing.assert_allclose(values[:, 1] * 365.25, [-10957, -10957 + 366], rtol=1e-6)
    np.testing.assert_allclose(values[:, 2] * 365.25, [0, -10957], rtol=1e-6)
    assert "column list: left out" in notes[-1]
