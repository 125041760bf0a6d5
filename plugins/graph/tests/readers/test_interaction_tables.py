import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from unlabeled.errors import UnreadableItem
from unlabeled_graph.readers.hold_out import HoldOut
from unlabeled_graph.readers.interaction_tables import RowRules


def table(folder, text, name="log.csv"):
    (folder / name).write_text(text)
    return folder / name


def pairs(rows):
    return list(zip(rows.user.to_pylist(), rows.item.to_pylist(), strict=True))


def test_rows_that_are_no_interaction_are_counted_by_reason_with_their_numbers(tmp_path):
    text = "who\twhat\tplays\na\tx\t3\n\ty\t2\nb\t\t1\nb\tz\tmany\nc\tx\t1\nc\ty\t2\n"
    rules = RowRules(user="who", item="what", weight="plays", least_weight=2)
    rows = rules.rows_of(table(tmp_path, text, "log.tsv"))
    assert pairs(rows) == [("a", "x"), ("c", "y")]
    assert list(rows.notes) == [
        "log.tsv: 2 rows without a user or an item left out (rows 3 and 4).",
        "log.tsv: 1 row without a weight left out (row 5).",
        "log.tsv: 1 row with a weight below 2 left out (row 6).",
    ]


def test_marks_of_another_kind_are_neither_trained_on_nor_tested(tmp_path):
    text = "user,item,split\na,x,train\na,y,test\na,z,valid\na,w,\n"
    rows = RowRules().rows_of(table(tmp_path, text))
    assert pairs(rows) == [("a", "x"), ("a", "y")]
    assert rows.test.tolist() == [False, True]
    assert "2 rows marked neither train nor test in split left out (rows 4 and 5)" in rows.notes[0]
    every = RowRules(time="item", hold_out=HoldOut(by="last"))
    with pytest.raises(UnreadableItem, match="4 rows without a time"):
        every.rows_of(table(tmp_path, text))


def test_a_file_may_hold_nothing_but_test_rows(tmp_path):
    rules = RowRules(hold_out=HoldOut(test="*.test.csv"))
    assert rules.rows_of(table(tmp_path, "user,item\na,x\n", "a.test.csv")).test.all()
    assert not rules.rows_of(table(tmp_path, "user,item\na,x\n", "a.csv")).test.any()
    inside = tmp_path / "b.test.csv"
    inside.mkdir()  # the name of a folder says nothing
    assert not rules.rows_of(table(inside, "user,item\na,x\n", "a.csv")).test.any()


def test_times_are_numbers_or_dates_and_only_read_where_needed(tmp_path):
    late = RowRules(time="when", hold_out=HoldOut(by="time"))
    numbers = late.rows_of(table(tmp_path, "user,item,when\na,x,7\na,y,5.5\na,z,soon\n"))
    assert (numbers.time.tolist(), numbers.dates) == ([7.0, 5.5], False)
    assert "1 row without a time left out (row 4)" in numbers.notes[0]
    days = late.rows_of(table(tmp_path, "user,item,when\na,x,2000-01-02\na,y,2000-01-01\n"))
    assert (days.time.tolist(), days.dates) == ([86400.0, 0.0], True)
    with pytest.raises(UnreadableItem, match="a column when, found columns user, item"):
        late.rows_of(table(tmp_path, "user,item\na,x\n"))
    assert len(RowRules(time="when").rows_of(table(tmp_path, "user,item\na,x\n")).user) == 1


def test_names_are_those_of_the_table_whatever_its_type(tmp_path):
    file = tmp_path / "log.parquet"
    pq.write_table(pa.table({"user": [7, None, 8], "item": pa.array(["x", "y", ""])}), file)
    rows = RowRules().rows_of(file)
    assert pairs(rows) == [("7", "x")]
    pq.write_table(pa.table({"user": pa.array([[1]]), "item": ["x"]}), file)
    with pytest.raises(UnreadableItem, match="names in column user"):
        RowRules().rows_of(file)


def test_archives_hold_columns_or_pairs_and_run_no_code(tmp_path):
    train, test = np.array([[0, 1], [1, 2]]), np.array([[0, 2]])
    np.savez(tmp_path / "a.npz", train=train, test=test, social=train, num_users=2)
    rows = RowRules().rows_of(tmp_path / "a.npz")
    assert pairs(rows) == [("0", "1"), ("1", "2"), ("0", "2")]
    assert rows.test.tolist() == [False, False, True]
    assert list(rows.notes) == ["a.npz: the arrays social, num_users are not used."]
    np.savez(tmp_path / "b.npz", user=[3, 4], item=[5, 6], prices=[1.0, 2, 3])
    rows = RowRules().rows_of(tmp_path / "b.npz")
    assert pairs(rows) == [("3", "5"), ("4", "6")]
    assert "prices" in rows.notes[0]
    np.savez(tmp_path / "c.npz", x=[1])
    assert RowRules().rows_of(tmp_path / "c.npz") is None
    np.savez(tmp_path / "d.npz", user=np.array([{}], object), item=[1])
    with pytest.raises(UnreadableItem, match=r"d\.npz: expected a NumPy archive of plain arrays"):
        RowRules().rows_of(tmp_path / "d.npz")
    (tmp_path / "e.npz").write_bytes(b"no archive")
    with pytest.raises(UnreadableItem, match=r"e\.npz"):
        RowRules().rows_of(tmp_path / "e.npz")
