import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from unlabeled.data.items import Items
from unlabeled.data.labels import labels_in, read_labels, target_names
from unlabeled.errors import DataError, UsageError


def csv(tmp_path, text):
    path = tmp_path / "labels.csv"
    path.write_text(text)
    return read_labels(path)


def test_numbers_as_names_stay_text(tmp_path):
    table = csv(tmp_path, "item,group,fold,y\n001,01,1,2.5\n")
    assert table.table.to_pylist() == [{"item": "001", "group": "01", "fold": "1", "y": 2.5}]


def test_parquet_is_read_too(tmp_path):
    path = tmp_path / "labels.parquet"
    pq.write_table(pa.table({"item": ["a"], "y": [1.5]}), path)
    assert read_labels(path).table["y"].to_pylist() == [1.5]


def test_a_table_that_cannot_be_used_is_named(tmp_path):
    with pytest.raises(DataError, match="no such table"):
        read_labels(tmp_path / "missing.csv")
    with pytest.raises(DataError, match=r"expected a column `item`.*found path, y"):
        csv(tmp_path, "path,y\na,1\n")
    (tmp_path / "labels.parquet").write_text("no parquet")
    with pytest.raises(DataError, match="expected a table, CSV, JSON lines or Parquet"):
        read_labels(tmp_path / "labels.parquet")


def test_the_target_is_chosen_or_the_only_one(tmp_path):
    table = csv(tmp_path, "item,group,y,z\na,g,1,2\n")
    assert target_names(table, ["z", "y"]) == ["z", "y"]
    assert target_names(csv(tmp_path, "item,group,z\na,g,2\n"), ()) == ["z"]
    with pytest.raises(UsageError, match="several targets, choose: y, z"):
        target_names(table, ())
    with pytest.raises(UsageError, match=r"no column for target 'x'.*They have: y, z"):
        target_names(table, ["x"])


def test_rows_that_do_not_parse_and_missing_words_are_told(tmp_path):
    labels = csv(tmp_path, "item,y\na,1\nb,2,3\nc,NA\n")
    assert labels.table["y"].to_pylist() == [1, None]
    assert labels.rows.tolist() == [2, 4]
    assert "row 3 (expected 2 fields, found 3)" in labels.notes[0]
    assert "column y: 1 fields ('NA'; row 4) count as missing" in labels.notes[1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("item,start,end,y\na,0,1,2\nb,0,soon,2\n", "row 3, column end: .* found 'soon'"),
        ("item,y\na,1\n,2\n", "row 3: expected an item, found nothing"),
        ("item,y\n", "expected rows below the header, found none"),
    ],
)
def test_rows_that_cannot_be_used_are_named(tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        csv(tmp_path, text)


def test_rows_are_found_again_by_their_number_and_never_by_a_name(tmp_path):
    labels = csv(tmp_path, "item,y\na,1\nb,2\n")
    assert labels.take([1]).where([0]) == "labels.csv, row 3"
    items = Items.of({"id": ["a", "b"], "source": ["s", "s"], "size": [1, 1], "z": [0.5, None]})
    assert labels_in(items).where([1]) == "the index, row 2"
    assert labels_in(items).table.to_pydict() == {"item": ["a", "b"], "z": [0.5, None]}
