import os

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from unlabeled.errors import DataError, UnreadableItem
from unlabeled_tabular.readers.rows import Rows
from unlabeled_tabular.synthetic import write

TEXT = "x,soil,y,who\n1,clay,a,ann\n2,sand,b,bob\n,clay,a,ann\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "t.csv").write_text(TEXT)
    return tmp_path


def test_a_row_is_an_item_with_its_group_and_the_hidden_label(folder):
    reader = Rows(labels=("y",), group_column="who")
    items = reader.index(folder)
    assert items.table["id"].to_pylist() == ["t.csv#2", "t.csv#3", "t.csv#4"]
    assert items.table["group"].to_pylist() == ["ann", "bob", "ann"]
    assert items.table["y"].to_pylist() == ["a", "b", "a"]
    row = reader.read(items[1])
    assert (row.number_names, row.text_names, row.values) == (
        ("x",),
        ("soil",),
        (("clay", "sand"),),
    )
    assert (row.numbers.tolist(), row.texts.tolist()) == ([2], ["sand"])
    assert np.isnan(reader.read(items[2]).numbers[0])
    assert reader.describe(items) == {"numbers": ["x"], "categories": {"soil": ["clay", "sand"]}}


def test_rows_are_called_by_a_column_that_names_each_once(folder):
    (folder / "t.csv").write_text("name,x\nA 1,1\nB 2,2\n")
    assert Rows(row_name="name").index(folder).table["id"].to_pylist() == ["A 1", "B 2"]
    (folder / "t.csv").write_text("name,x\nA,1\nA,2\n")
    with pytest.raises(DataError, match="column name to name every row once"):
        Rows(row_name="name").index(folder)


def test_every_kind_of_table_gives_the_same_rows(folder, tmp_path_factory):
    other = tmp_path_factory.mktemp("parquet")
    table = pa.table({"x": [1.0, 2.0, None], "soil": ["clay", "sand", "clay"]})
    pq.write_table(table, other / "t.parquet")
    reader = Rows(labels=("y", "who"))
    csv, parquet = reader.index(folder), Rows().index(other)
    for mine, theirs in zip(csv, parquet, strict=True):
        a, b = reader.read(mine), Rows().read(theirs)
        np.testing.assert_array_equal(a.numbers, b.numbers)
        assert a.texts.tolist() == b.texts.tolist()


def test_tables_of_other_columns_are_left_out_and_counted(tmp_path):
    write(tmp_path, count=12, seed=0)
    (tmp_path / "bad.csv").write_bytes(b"\0\0\0")
    items = Rows().index(tmp_path)
    assert len(items) == 12
    assert "  1 of other columns than the widest table: 1 labels.csv" in items.account()
    assert [os.path.basename(q.source) for q in items.quarantine] == ["bad.csv"]  # noqa: PTH119


def test_parts_of_one_table_join_their_categories(folder):
    (folder / "u.csv").write_text("x,soil,y,who\n5,loam,a,eve\n6,clay,b,eve\n")
    reader = Rows(labels=("y", "who"))
    items = reader.index(folder)
    assert len(items) == 5
    assert reader.describe(items)["categories"] == {"soil": ["clay", "loam", "sand"]}


def test_a_changed_cell_changes_the_signature_of_its_row_alone(folder):
    before = Rows().index(folder).table["signature"].to_pylist()
    (folder / "t.csv").write_text(TEXT.replace("2,sand", "3,sand"))
    after = Rows().index(folder).table["signature"].to_pylist()
    assert [a == b for a, b in zip(before, after, strict=True)] == [True, False, True]


def test_a_row_that_is_gone_is_named(folder):
    items = Rows().index(folder)
    (folder / "t.csv").write_text("\n".join(TEXT.splitlines()[:3]))
    with pytest.raises(UnreadableItem, match="a row 4"):
        Rows().read(items[2])


def test_an_empty_folder_is_an_error(tmp_path):
    with pytest.raises(DataError, match=str(tmp_path)):
        Rows().index(tmp_path)
