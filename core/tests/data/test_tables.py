import gzip
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from unlabeled.data.tables import is_table, name_rows, read_table
from unlabeled.errors import DataError

ROWS = {"smiles": ["CCO", "CCN"], "name": ["x", "y"]}


def read(tmp_path, content, name="t.csv", **settings):
    (tmp_path / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return read_table(tmp_path / name, **settings)


@pytest.mark.parametrize(
    "content",
    [
        "smiles,name\nCCO,x\nCCN,y\n",
        "\ufeffsmiles,name\r\nCCO,x\r\nCCN,y\r\n",
        "smiles;name\nCCO;x\nCCN;y",
        "smiles\tname\rCCO\tx\rCCN\ty\r",
        "smiles|name\n CCO | x\nCCN|y\n",
        '"smiles","name"\n"CCO",x\n"CCN","y"\n',
        "smiles,name\nCCO,x\nCCN,y\n".encode("utf-16"),
        "\ufeffsmiles;name\r\nCCO;x\r\nCCN;y\r\n".encode("utf-16-be"),
        "smiles,name,\nCCO,x,\nCCN,y,\n",
    ],
)
def test_the_same_rows_however_they_are_written(tmp_path, content):
    table = read(tmp_path, content)
    assert table.columns.to_pydict() == ROWS
    assert table.rows.tolist() == [2, 3]
    assert table.bad == ()


def test_excel_is_told_the_delimiter_in_a_first_line_that_is_no_row(tmp_path):
    table = read(tmp_path, "sep=;\na,b;c\n1,5;2\n")
    assert table.columns.to_pydict() == {"a,b": ["1,5"], "c": ["2"]}
    assert table.where(0) == "t.csv, row 3"


def test_compressed_json_and_parquet(tmp_path):
    packed = gzip.compress(b"smiles,name\nCCO,x\nCCN,y\n")
    assert read(tmp_path, packed, "t.csv.gz").columns.to_pydict() == ROWS
    lines = '{"smiles": "CCO", "name": "x"}\n\n{"smiles": "CCN", "name": "y"}\n'
    table = read(tmp_path, lines, "t.jsonl")
    assert (table.columns.to_pydict(), table.rows.tolist()) == (ROWS, [1, 3])
    pq.write_table(pa.table({"y": [1.5, 2.0]}), tmp_path / "t.parquet")
    table = read_table(tmp_path / "t.parquet")
    assert (table.columns["y"].to_pylist(), table.rows.tolist()) == ([1.5, 2.0], [1, 2])


def test_bytes_that_are_not_utf8_are_read_as_latin1_and_named(tmp_path):
    table = read(tmp_path, b"item,label\na,caf\xe9\nb,\xc3\xa9\n\nc,\xfc\n")
    assert table.columns["label"].to_pylist() == ["café", "é", "ü"]
    assert table.latin1 == (2, 5)
    assert table.notes() == [
        "t.csv: 2 rows hold bytes that are not UTF-8, read as Latin-1 (rows 2 and 5)."
    ]


def test_one_bad_row_among_many_costs_one_row(tmp_path):
    text = "a,b\n" + "".join(f"{n},{n}\n" for n in range(20_000))
    table = read(tmp_path, text.replace("\n700,700\n", '\n"700,700\n'))
    assert len(table) == 19_999
    assert [(bad.number, bad.found) for bad in table.bad] == [(702, "a quote that is not closed")]


def test_every_row_that_does_not_parse_is_named_with_its_reason(tmp_path):
    table = read(tmp_path, 'a,b\n1,2,3\n4\n"x\ny",5\n"a"b,6\n7,8,,\n"9,9\n')
    assert table.columns.to_pydict() == {"a": ["x\ny", "7"], "b": ["5", "8"]}
    assert table.rows.tolist() == [4, 7]
    assert [(bad.number, bad.expected, bad.found) for bad in table.bad] == [
        (2, "2 fields", "3"),
        (3, "2 fields", "1"),
        (6, "2 fields", "text after a closing quote"),
        (8, "2 fields", "a quote that is not closed"),
    ]
    assert "4 of 6 rows do not parse and are left out: row 2 (expected 2" in table.notes()[0]
    assert table.quarantined()[0].source == f"{tmp_path / 't.csv'}, row 2"


@pytest.mark.parametrize("text", ["a,b\n1,x\n\n , y \n", 'a,b\n1,x\n\n"","y"\n'])
def test_rows_keep_their_numbers_and_empty_fields_are_null(tmp_path, text):
    table = read(tmp_path, text)
    assert table.columns.to_pydict() == {"a": ["1", None], "b": ["x", "y"]}
    assert table.rows.tolist() == [2, 4]


def test_a_table_without_a_header_takes_the_names_it_is_given(tmp_path):
    table = read(tmp_path, "1,2\n3,4\n", names=["a", "b"])
    assert table.columns.to_pydict() == {"a": ["1", "3"], "b": ["2", "4"]}
    assert table.rows.tolist() == [1, 2]


def test_columns_without_a_name_are_left_out_and_counted(tmp_path):
    table = read(tmp_path, ",y\n0,a\n1,b\n")
    assert table.columns.to_pydict() == {"y": ["a", "b"]}
    assert "1 column without a name" in table.notes()[0]


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        ("", "t.csv", "expected a table, found an empty file"),
        (b"PK\3\4 ...", "t.csv", "found an Excel or zip file. Save it as CSV in UTF-8"),
        ("a,b\n1,2\n".encode("utf-16-le"), "t.csv", "bytes that are no text"),
        ("a,a\n1,2\n", "t.csv", "expected different names of columns, found 'a' twice"),
        ("a,b\n1\n2\n", "t.csv", "none of 2 rows parses. Row 2: expected 2 fields, found 1"),
        ("no parquet", "t.parquet", "expected a table, CSV, JSON lines or Parquet"),
        ("nothing", "t.jsonl", "expected a JSON object in each line"),
        (b"no gzip", "t.csv.gz", "expected a table, CSV, JSON lines or Parquet"),
    ],
)
def test_what_is_no_table_is_said(tmp_path, content, name, message):
    with pytest.raises(DataError, match=message):
        read(tmp_path, content, name)


def test_a_missing_table_and_a_missing_column_are_named(tmp_path):
    with pytest.raises(DataError, match="no such table"):
        read_table(tmp_path / "none.csv")
    with pytest.raises(DataError, match="expected a column 'item', found a, b"):
        read(tmp_path, "a,b\n1,2\n").require("a", "item")


def test_tables_are_known_by_their_ending():
    assert is_table(Path("x/M.CSV"))
    assert is_table(Path("m.tsv.gz"))
    assert not is_table(Path("m.wav"))


def test_few_rows_are_named_and_the_others_counted():
    assert name_rows([3]) == "row 3"
    assert name_rows([3, 5, 9]) == "rows 3, 5 and 9"
    assert name_rows([3, 5, 9, 11, 12]) == "rows 3, 5, 9 and 2 more"
