import numpy as np
import pyarrow as pa
import pytest

from unlabeled.data.items import Items
from unlabeled.data.labels import Labels, labels_in, target_names
from unlabeled.errors import DataError
from unlabeled.evaluation.matching import match
from unlabeled.inference.reading import Source


@pytest.fixture
def items(tmp_path):
    """Two files of one item each, and one file of two items."""
    sources = [str(tmp_path / name) for name in ("a/1.wav", "b/2.wav", "c.csv", "c.csv")]
    return Items.of(
        {"id": ["one", "b/2.wav", "c.csv#0", "c.csv#1"], "source": sources, "size": [1] * 4}
    )


def csv(tmp_path, text):
    header, *rows = (line.split(",") for line in text.splitlines())
    columns = dict(zip(header, zip(*rows, strict=True), strict=True))
    numbers = {"y", "start", "end"}
    table = pa.table(
        {
            name: [float(value) for value in values] if name in numbers else list(values)
            for name, values in columns.items()
        }
    )
    return Labels(table, np.arange(2, 2 + len(rows)), "labels.csv")


def test_rows_find_items_by_id_or_relative_path_in_the_order_of_the_index(items, tmp_path):
    table = csv(tmp_path, "item,y\nc.csv#1,3\nnowhere,9\n./b/2.wav,2\na/1.wav,1\n")
    found = match(table, Source(items, None), tmp_path)
    assert found.rows.tolist() == [0, 1, 3]
    assert found.table["y"].to_pylist() == [1, 2, 3]
    assert (found.unmatched_rows, found.unmatched_items) == (1, 1)


def test_a_file_of_several_items_names_none_of_them(items, tmp_path):
    found = match(csv(tmp_path, "item,y\nc.csv,1\none,2\n"), Source(items, None), tmp_path)
    assert found.rows.tolist() == [0]


def test_none_matched_shows_three_of_each(items, tmp_path):
    table = csv(tmp_path, "item,y\n" + "".join(f"x{i},0\n" for i in range(5)))
    with pytest.raises(DataError) as error:
        match(table, Source(items, None), tmp_path)
    message = str(error.value)
    assert "none of 5 labels" in message
    assert "one of 4 items" in message
    assert "'x0', 'x1', 'x2' …" in message
    assert "'one', 'b/2.wav', 'c.csv#0'" in message


def test_rows_about_unknown_items_and_items_without_rows_are_counted_and_named(items, tmp_path):
    found = match(
        csv(tmp_path, "item,y\nnowhere,9\none,2\nnobody,1\n"), Source(items, None), tmp_path
    )
    assert found.labels.notes == (
        "2 of 3 labels are about items that are not in the data, and are left out (labels.csv, "
        "rows 2 and 4).",
        "3 of 4 items without a label take no part.",
    )


def test_rows_about_the_same_are_one_label_with_all_their_values(items, tmp_path):
    text = "item,y,bird\none,1,tit\nb/2.wav,2,owl\na/1.wav,1,jay\none,1,tit\n"
    found = match(csv(tmp_path, text), Source(items, None), tmp_path)
    assert found.rows.tolist() == [0, 1]
    assert found.table["y"].to_pylist() == [1, 2]
    assert found.table["bird"].to_pylist() == [["tit", "jay"], ["owl"]]
    assert found.labels.rows.tolist() == [2, 3]
    assert "1 label repeats others (labels.csv, row 5): once is counted." in found.labels.notes


def test_an_item_in_two_groups_or_parts_of_a_split_is_a_contradiction(items, tmp_path):
    with pytest.raises(DataError, match=r"rows 2 and 3, column split: .*'train' and 'test'"):
        match(
            csv(tmp_path, "item,y,split\none,1,train\na/1.wav,1,test\n"),
            Source(items, None),
            tmp_path,
        )


def test_the_metadata_of_the_index_can_be_the_labels(tmp_path):
    columns = {"id": ["a", "b"], "source": ["s", "s"], "size": [1, 1], "activity": [0.5, None]}
    items = Items.of(columns)
    found = match(labels_in(items), Source(items, None), tmp_path)
    assert found.table["activity"].to_pylist() == [0.5, None]
    assert target_names(found.labels, ()) == ["activity"]


def test_nodes_are_named_after_their_item_and_come_in_its_order(items, tmp_path):
    text = "item,y\nc.csv#1#10,4\nc.csv#1#2,3\n./b/2.wav#0,2\none#x,9\nnowhere#1,9\n"
    found = match(csv(tmp_path, text), Source(items, None), tmp_path)
    assert found.unit == "nodes"
    assert found.rows.tolist() == [1, 3, 3]
    assert found.parts.ids.tolist() == [0, 2, 10]
    assert found.table["y"].to_pylist() == [2, 3, 4]
    assert (found.unmatched_rows, found.unmatched_items) == (2, 2)
    some = found.take(np.array([2, 0]))
    assert (some.rows.tolist(), some.parts.ids.tolist()) == ([3, 1], [10, 0])
    assert some.table["y"].to_pylist() == [4, 2]


def test_an_item_whose_name_looks_like_a_node_is_an_item(items, tmp_path):
    found = match(csv(tmp_path, "item,y\nc.csv#1,1\n"), Source(items, None), tmp_path)
    assert (found.parts, found.rows.tolist(), found.unit) == (None, [3], "items")


def test_stretches_are_given_by_their_ends(items, tmp_path):
    text = "item,start,end,y\none,2,3.5,2\none,0,2,1\nb/2.wav,0,1,3\n"
    found = match(csv(tmp_path, text), Source(items, None), tmp_path)
    assert found.unit == "stretches"
    assert found.rows.tolist() == [0, 0, 1]
    assert found.parts.bounds.tolist() == [[0, 2], [2, 3.5], [0, 1]]
    assert target_names(found.labels, ()) == ["y"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("item,start,end,y\none,-1,1,1\n", "row 2: expected start before end and neither below 0"),
        ("item,y\none#1,1\nb/2.wav,2\n", "mix nodes .* and whole items"),
        ("item,start,end,y\none#1,0,1,1\n", "mix nodes .* and stretches"),
        ("item,start,y\none,0,1\n", "a column `start`: expected both start and end"),
        (
            "item,start,end,y\none,1,1,1\n",
            "row 2: expected start before end .* found 1 and 1 for 'one'",
        ),
    ],
)
def test_parts_that_make_no_sense_are_named(items, tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        match(csv(tmp_path, text), Source(items, None), tmp_path)


def test_two_labels_for_one_stretch_or_node_are_both_kept(items, tmp_path):
    text = "item,start,end,bird\none,0,3,tit\none,3,6,tit\none,0,3,owl\n"
    found = match(csv(tmp_path, text), Source(items, None), tmp_path)
    assert found.parts.bounds.tolist() == [[0, 3], [3, 6]]
    assert found.table["bird"].to_pylist() == [["tit", "owl"], ["tit"]]
    found = match(csv(tmp_path, "item,bird\none#1,tit\none#1,owl\n"), Source(items, None), tmp_path)
    assert (found.parts.ids.tolist(), found.table["bird"].to_pylist()) == ([1], [["tit", "owl"]])


def test_ends_that_are_no_numbers_are_refused(items, tmp_path):
    table = pa.table({"item": ["one"], "start": ["a"], "end": ["b"], "y": [1]})
    with pytest.raises(DataError, match=r"row 2, column start: expected a number .* found 'a'"):
        match(Labels(table, np.array([2]), "labels.csv"), Source(items, None), tmp_path)
