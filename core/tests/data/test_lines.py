"""Rows of text files of any encoding, beside Python's own reader of CSV."""

import csv
import gzip
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unlabeled.data.lines import LONGEST, Lines, first_bytes, guess_delimiter, is_plain


def write(tmp_path, content, name="table.csv"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def rows(path, delimiter=",", width=None):
    lines = Lines(path)
    return list(lines.rows(delimiter, width)), lines


FIELD = st.text(st.characters(codec="utf-8", exclude_characters="\r\0", exclude_categories=["Cs"]))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(FIELD, FIELD, FIELD), min_size=1, max_size=6))
def test_what_pythons_writer_quotes_is_read_back(tmp_path_factory, table):
    written = io.StringIO()
    csv.writer(written, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(table)
    path = write(tmp_path_factory.mktemp("lines"), written.getvalue())
    found, lines = rows(path)
    assert [fields for _, fields in found] == [[each.strip() for each in row] for row in table]
    assert not lines.bad


def test_bad_rows_are_reported_by_line_and_the_others_kept(tmp_path):
    path = write(tmp_path, 'a,b\n1,2\n3\n\n4,5,6\n7,8,\n9,"x"y\n10,11\n')
    found, lines = rows(path)
    assert found == [(1, ["a", "b"]), (2, ["1", "2"]), (6, ["7", "8"]), (8, ["10", "11"])]
    assert [(bad.number, bad.expected, bad.found) for bad in lines.bad] == [
        (3, "2 fields", "1"),
        (5, "2 fields", "3"),
        (7, "2 fields", "text after a closing quote"),
    ]


def test_a_quoted_field_runs_over_lines(tmp_path):
    found, lines = rows(write(tmp_path, 'a,b\n"one\ntwo ""2""\nthree",x\ny,z\n'))
    assert found[1:] == [(2, ['one\ntwo "2"\nthree', "x"]), (5, ["y", "z"])]
    assert not lines.bad


@pytest.mark.parametrize("count", [3, 2 * LONGEST])
def test_a_quote_that_stays_open_costs_its_own_row_only(tmp_path, count):
    text = 'a,b\n"open,1\n' + "".join(f"{n},{n}\n" for n in range(count))
    found, lines = rows(write(tmp_path, text))
    assert [number for number, _ in found] == [1, *range(3, count + 3)]
    assert [(bad.number, bad.found) for bad in lines.bad] == [(2, "a quote that is not closed")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("name", ["table.csv", "table.csv.gz"])
def test_encodings_with_marks_and_compressed(tmp_path, encoding, name):
    content = "é;b\n中;ä\n".encode(encoding)
    path = write(tmp_path, gzip.compress(content) if name.endswith("gz") else content, name)
    found, lines = rows(path, guess_delimiter(path))
    assert found == [(1, ["é", "b"]), (2, ["中", "ä"])]
    assert not lines.latin1
    plain = content.startswith("é".encode()) or encoding == "utf-8-sig"
    assert is_plain(path) == (plain and name == "table.csv")
    assert first_bytes(path, 4) == content[:4]


def test_lines_of_latin_1_are_counted_where_the_others_are_utf_8(tmp_path):
    path = write(tmp_path, "a,b\né,1\n".encode() + "ü,2\n".encode("latin-1"))
    found, lines = rows(path)
    assert found[1:] == [(2, ["é", "1"]), (3, ["ü", "2"])]
    assert lines.latin1 == [3]


def test_a_line_for_excel_names_the_delimiter_and_is_no_row(tmp_path):
    path = write(tmp_path, "sep=|\na,b|c\n1|2\n")
    assert guess_delimiter(path) == "|"
    assert rows(path, "|")[0] == [(2, ["a,b", "c"]), (3, ["1", "2"])]


@pytest.mark.parametrize(
    ("header", "name", "delimiter"),
    [
        ("a;b,c;d", "x.csv", ";"),
        ('"a,b,c"\td', "x.csv", "\t"),
        ("a|b|c", "x.txt", "|"),
        ("alone", "x.csv", ","),
        ("alone", "x.tsv", "\t"),
        ("", "x.csv", ","),
    ],
)
def test_the_delimiter_is_the_commonest_outside_quotes(tmp_path, header, name, delimiter):
    assert guess_delimiter(write(tmp_path, f"\n{header}\n", name)) == delimiter


def test_a_file_with_a_quote_anywhere_is_not_plain(tmp_path):
    assert is_plain(write(tmp_path, "a,b\n" * 300_000))
    assert not is_plain(write(tmp_path, "a,b\n" * 300_000 + '"'))
