import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from unlabeled.data.texts import TextTables, tidy
from unlabeled.errors import DataError, UnreadableItem

CSV = """path,patient,findings,impression
a/1.png,p1,"Clear   lungs, no\tfluid.",Normal.
a/2.png,p1,Left OPACITY,
a/2.png,p1,Second text of it,None
b/1.png,p2,,
"""
READER = TextTables(text=("findings", "impression"), group="patient")


def test_a_row_is_an_item_called_after_its_file(tmp_path):
    (tmp_path / "reports.csv").write_text(CSV)
    (tmp_path / "labels.csv").write_text("item,label\na/1.png,x\n")
    items = READER.index(tmp_path)
    assert items.table["id"].to_pylist() == ["a/1.png", "a/2.png", "a/2.png#2"]
    assert items.table["group"].to_pylist() == ["p1", "p1", "p1"]
    assert READER.read(items[0]) == ("clear lungs, no fluid.", "normal.")
    assert READER.read(items[1]) == ("left opacity", "")
    assert items.table["size"].to_pylist()[1] == len("left opacity")
    assert items.account() == [
        "3 items read, 2 files left out:",
        f"  1 that cannot be used; the first is {tmp_path / 'reports.csv'}, row 5: expected text "
        "of 1 to 20000 characters (reader.longest), found none",
        "  1 that have no column findings (reader.text, reader.group)",
    ]


def test_no_word_stands_in_an_index(tmp_path):
    (tmp_path / "reports.csv").write_text(CSV)
    shown = repr(READER.index(tmp_path).table.to_pydict()) + READER.index(tmp_path).fingerprint()
    assert not any(word in shown.lower() for word in ("clear", "opacity", "normal"))


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_every_form_of_table_gives_the_same(tmp_path, kind):
    rows = [{"text": "One", "path": "1"}, {"text": "Zwölf\u00a0ﬁne", "path": "2"}]
    file = tmp_path / f"texts.{kind}"
    if kind == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), file)
    elif kind == "jsonl":
        file.write_text("\n".join(map(json.dumps, rows)))
    else:
        file.write_text("text,path\nOne,1\nZwölf\u00a0ﬁne,2\n", encoding="utf-8")
    reader = TextTables(case="kept")
    items = reader.index(tmp_path)
    assert [reader.read(item) for item in items] == [("One",), ("Zwölf fine",)]
    assert [item.id for item in items] == ["1", "2"]


def test_a_row_without_a_file_is_called_after_its_table(tmp_path):
    (tmp_path / "one.csv").write_text("text\nfirst\nsecond\n")
    assert [item.id for item in TextTables().index(tmp_path)] == ["one.csv#2", "one.csv#3"]


def test_a_file_called_like_a_second_text_keeps_ids_apart(tmp_path):
    (tmp_path / "one.csv").write_text("path,text\na,x\na#2,y\na,z\n")
    ids = [item.id for item in TextTables().index(tmp_path)]
    assert len(set(ids)) == 3


def test_texts_that_are_too_long_are_left_out_by_their_length_alone(tmp_path):
    (tmp_path / "one.csv").write_text(f"text\nfine\n{'secret ' * 9}\n")
    items = TextTables(longest=20).index(tmp_path)
    assert len(items) == 1
    assert [(bad.expected, bad.found) for bad in items.quarantine] == [
        ("text of 1 to 20 characters (reader.longest)", "62 characters")
    ]


def test_a_text_that_changed_since_it_was_listed_is_not_read_in_silence(tmp_path):
    file = tmp_path / "one.csv"
    file.write_text("text\nfirst\n")
    items = TextTables().index(tmp_path)
    assert TextTables().read(items[0]) == ("first",)
    file.write_text("text\nother\n")
    with pytest.raises(UnreadableItem, match=r"one\.csv, row 2: expected the text that was listed"):
        TextTables().read(items[0])
    file.unlink()
    with pytest.raises(UnreadableItem, match=r"one\.csv, row 2"):
        TextTables().read(items[0])


def test_tables_without_texts_are_an_error_that_names_the_setting(tmp_path):
    (tmp_path / "one.csv").write_text("report\nfirst\n")
    with pytest.raises(DataError, match=r"1 that have no column text \(reader.text"):
        TextTables().index(tmp_path)


def test_what_encoders_are_told(tmp_path):
    (tmp_path / "one.csv").write_text("text,family\nMKV,a\nMVL,b\n")
    reader = TextTables(split="characters", case="kept", group="family", vocabulary_groups=2)
    found = reader.describe(reader.index(tmp_path))
    assert found == {
        "vocabulary": ("[PAD]", "[UNK]", "[MASK]", "[SEP]", "M", "V"),
        "split": "characters",
    }


def test_unicode_is_composed_and_white_space_is_one():
    assert tidy(" A\u0308b\n\t½ ") == "äb 1⁄2"
