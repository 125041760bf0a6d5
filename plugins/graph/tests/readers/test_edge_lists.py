import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from unlabeled.errors import DataError, UnreadableItem
from unlabeled_graph.readers.edge_lists import EdgeLists
from unlabeled_graph.readers.policies import FeaturePolicy


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "trade.csv").write_text("source,target,amount\nb,a,2\nb,c,3.5\n")
    (tmp_path / "trade.nodes.csv").write_text("node,size,age\na,1,10\nb,2,20\nc,3,30\nd,4,40\n")
    return tmp_path


def test_edges_and_nodes_become_one_graph(folder):
    reader = EdgeLists()
    items = reader.index(folder)

    graph = reader.read(items[0])

    assert items.table["id"].to_pylist() == ["trade.csv"]
    assert items.table["size"].to_pylist() == [4]
    assert graph.x.tolist() == [[1, 10], [2, 20], [3, 30], [4, 40]]
    assert graph.edge_index.tolist() == [[1, 1], [0, 2]]
    assert graph.edge_attr.tolist() == [[2.0], [3.5]]
    assert reader.describe(items) == {"node_features": 2, "edge_features": 1}


def test_without_a_table_of_nodes_they_are_sorted_and_features_are_a_choice(tmp_path):
    table = pa.table({"from": [30, 10], "to": [20, 30]})
    pq.write_table(table, tmp_path / "net.parquet")
    plain = EdgeLists(source="from", target="to")
    items = plain.index(tmp_path)
    with pytest.raises(DataError, match="degree or constant"):
        plain.describe(items)

    reader = EdgeLists(source="from", target="to", features=FeaturePolicy(name="constant"))

    graph = reader.read(items[0])
    assert graph.edge_index.tolist() == [[2, 0], [1, 2]]
    assert graph.x.tolist() == [[1.0]] * 3


def test_tables_of_something_else_are_left_out_with_a_note(folder):
    (folder / "labels.csv").write_text("item,label\ntrade.csv#0,1\n")

    items = EdgeLists().index(folder)

    assert len(items) == 1
    assert items.notes == ("labels.csv has no columns source and target; left out",)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("trade.csv", "source,target\nb,x\n", "an unknown or empty name"),
        ("trade.csv", "source,target,amount\nb,a,much\n", "numbers in column amount"),
        ("trade.nodes.csv", "name,size\na,1\n", "a column node"),
        ("trade.csv", "", "a CSV or Parquet table"),
    ],
)
def test_tables_that_cannot_be_used_are_named(folder, name, text, message):
    (folder / name).write_text(text)

    with pytest.raises(DataError, match=message) as caught:
        EdgeLists().index(folder)
    assert "trade" in str(caught.value)


def test_values_that_are_no_numbers_are_found_on_reading(folder):
    (folder / "trade.nodes.csv").write_text("node,size\na,1\nb,nan\nc,3\n")
    items = EdgeLists().index(folder)

    with pytest.raises(UnreadableItem, match="NaN"):
        EdgeLists().read(items[0])


def test_missing_and_empty_folders_say_what_was_expected(tmp_path):
    with pytest.raises(DataError, match="nothing there"):
        EdgeLists().index(tmp_path / "nowhere")
    with pytest.raises(DataError, match="found none"):
        EdgeLists().index(tmp_path)


def test_what_was_read_once_is_not_changed_by_its_reader(folder):
    reader = EdgeLists()
    item = reader.index(folder)[0]
    reader.read(item).x.zero_()

    assert np.isclose(float(reader.read(item).x.sum()), 110)
