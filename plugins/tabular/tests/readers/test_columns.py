import numpy as np
import pytest

from unlabeled.errors import UnreadableItem
from unlabeled_tabular.readers.columns import KEPT, read_columns


def columns(tmp_path, text, hidden=(), most=50, **declared):
    file = tmp_path / "t.csv"
    file.write_text(text)
    return read_columns(
        file, file.stat().st_mtime_ns, hidden, "group", tuple(declared.items()), most
    )


def test_numbers_dates_and_categories_are_told_by_their_values(tmp_path):
    found = columns(
        tmp_path,
        "x,when,soil,group\n1.5,2000-01-01,clay,a\n,2001-01-01,sand,b\n-2,2000-01-01,clay,a\n",
    )
    assert (found.number_names, found.text_names) == (("x", "when"), ("soil",))
    np.testing.assert_allclose(found.numbers[:, 0], [1.5, np.nan, -2])
    np.testing.assert_allclose(found.numbers[:, 1], [0, 366 / 365.25, 0], atol=1e-6)
    assert found.values == (("clay", "sand"),)
    assert found.codes[:, 0].tolist() == [0, 1, 0]
    assert found.texts(1).tolist() == ["sand"]
    assert found.rows.tolist() == [2, 3, 4]
    assert found.notes == ("t.csv, column when: dates count in years since 2000.",)


def test_declarations_go_before_what_columns_look_like(tmp_path):
    found = columns(
        tmp_path,
        "code,size,note\n1,small,a\n2,large,b\n1,,a\n",
        code="category",
        size=("small", "large"),
        note="leave out",
    )
    assert (found.number_names, found.text_names) == (("size",), ("code",))
    np.testing.assert_array_equal(found.numbers[:, 0], [0, 1, np.nan])
    assert found.values == (("1", "2"),)


def test_codes_with_leading_zeros_are_categories(tmp_path):
    assert columns(tmp_path, "zip,x\n01,1\n02,2\n01,3\n").text_names == ("zip",)


def test_what_is_left_out_is_said(tmp_path):
    text = "name,same,x\n" + "".join(f"n{row},a,{row}\n" for row in range(60))
    found = columns(tmp_path, text)
    assert found.names == ("x",)
    assert found.notes == (
        "t.csv, column name: left out, as it holds 60 different texts; "
        "reader.columns.name category keeps it.",
        "t.csv, column same: left out, as every row has the same value or none.",
    )
    assert columns(tmp_path, text, name="category").text_names == ("name",)


@pytest.mark.parametrize(
    ("text", "declared", "message"),
    [
        ("x\n1\n2\n", {"y": "number"}, "expected a column y, found columns x"),
        (
            "x,y\n1,a\n2,b\n",
            {"y": "number"},
            "expected a number in every row of column y, found 'a'",
        ),
        ("x,y\n1,a\n2,b\n", {"y": ("a",)}, "expected one of a in column y, found 'b' in row 3"),
        ("x\n1e300\n2\n", {}, "expected numbers that float32 holds in column x, found 1e+300"),
        ("same\na\na\n", {}, "expected a column of numbers, dates or categories, found none"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path, text, declared, message):
    with pytest.raises(UnreadableItem, match=r"t\.csv") as error:
        columns(tmp_path, text, **declared)
    assert message in str(error.value)


def test_cells_are_drawn_from_rows_all_over_the_table(tmp_path):
    found = columns(tmp_path, "x\n" + "".join(f"{row}\n" for row in range(5_000)))
    drawn = found.marginals.numbers[:, 0]
    assert (len(drawn), drawn[0], drawn[-1]) == (KEPT, 0, 4_999)
