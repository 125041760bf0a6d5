import datetime
import gzip
import os

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from unlabeled.errors import DataError, UnreadableItem
from unlabeled_graph.readers.columns import ColumnPolicy
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


@pytest.mark.parametrize(
    ("edges", "nodes"),
    [
        ("edges.csv", "nodes.csv"),
        ("trade_edges.csv", "trade_nodes.tsv"),
        ("Edges.CSV", "nodes.CSV"),
        ("edges.csv", "edges.nodes.csv"),
    ],
)
def test_tables_called_edges_and_nodes_belong_together(folder, edges, nodes):
    (folder / "trade.csv").rename(folder / edges)
    text = (folder / "trade.nodes.csv").read_text()
    (folder / "trade.nodes.csv").unlink()
    (folder / nodes).write_text(text.replace(",", "\t") if nodes.endswith("tsv") else text)
    items = EdgeLists().index(folder)
    assert items.account() == ["1 item read, nothing left out"]
    assert EdgeLists().read(items[0]).x.tolist() == [[1, 10], [2, 20], [3, 30], [4, 40]]


def test_without_a_table_of_nodes_they_are_sorted_and_features_are_a_choice(tmp_path):
    table = pa.table({"from": [30, 10], "to": [20, 30]})
    pq.write_table(table, tmp_path / "net.parquet")
    plain = EdgeLists(source="from", target="to")
    items = plain.index(tmp_path)
    with pytest.raises(DataError, match=r"net\.nodes\.csv, found none\. .* degree or constant"):
        plain.describe(items)

    reader = EdgeLists(source="from", target="to", features=FeaturePolicy(name="constant"))

    graph = reader.read(items[0])
    assert graph.edge_index.tolist() == [[2, 0], [1, 2]]
    assert graph.x.tolist() == [[1.0]] * 3


def test_tables_of_something_else_are_left_out_with_a_note(folder):
    (folder / "labels.csv").write_text("item,label\ntrade.csv#0,1\n")

    items = EdgeLists().index(folder)

    assert len(items) == 1
    (left_out,) = items.left_out
    assert str(left_out) == (
        "1 that have no columns source and target (reader.source, target): 1 labels.csv"
    )


def test_every_other_file_is_counted(folder):
    (folder / "picture.png").write_bytes(b"x")
    (folder / "other.nodes.csv").write_text("node,size\na,1\n")
    items = EdgeLists().index(folder)
    assert len(items) == 1
    assert [str(each) for each in items.left_out] == [
        "1 of a format that this reader does not read: 1 .png",
        "1 that are tables of nodes without one of edges: 1 other.nodes.csv",
    ]


def test_names_of_files_give_groups_and_fields(tmp_path):
    for name in ("nl_2019.csv", "nl_2020.csv", "de_2019.csv"):
        (tmp_path / name).write_text("source,target\na,b\n")
    items = EdgeLists(pattern="{country}_{year}.csv", group="country").index(tmp_path)
    assert items.table["group"].to_pylist() == ["de", "nl", "nl"]
    assert items.table["year"].to_pylist() == ["2019", "2019", "2020"]
    assert len(EdgeLists(include=("nl_*",)).index(tmp_path)) == 2


def test_either_table_changes_the_signature(folder):
    before = EdgeLists().index(folder)[0].signature
    (folder / "trade.nodes.csv").write_text("node,size,age\na,1,1\nb,2,20\nc,3,30\nd,4,40\n")
    assert EdgeLists().index(folder)[0].signature != before


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("trade.csv", "source,target\na,b\nb,x\n", "found 'x' in row 3"),
        ("trade.csv", "source,target\nb,\n", "a name in column target, found nothing in row 2"),
        (
            "trade.csv",
            "source,target,amount\nb,a,much\nb,a,1\n",
            "a finite number in every row of column amount .* found 'much' in row 2",
        ),
        ("trade.nodes.csv", "node,size\na,1\nb,nan\nc,2\n", "column size .* found 'nan' in row 3"),
        ("trade.nodes.csv", "name,size\na,1\n", "a column node .* found columns name, size"),
        (
            "trade.nodes.csv",
            "node,size\nb,1\na,2\nb,3\n",
            "each node once, found 'b' in rows 2 and 4",
        ),
        ("trade.csv", "", "an empty file"),
    ],
)
def test_tables_that_cannot_be_used_are_named(folder, name, text, message):
    (folder / name).write_text(text)

    with pytest.raises(DataError, match=message) as caught:
        EdgeLists().index(folder)
    assert "trade" in str(caught.value)


def test_values_that_overflow_are_found_on_reading(folder):
    (folder / "trade.nodes.csv").write_text("node,size\na,1\nb,1e300\nc,3\n")
    items = EdgeLists().index(folder)

    with pytest.raises(UnreadableItem, match="infinite"):
        EdgeLists().read(items[0])


def test_nodes_are_called_by_the_names_in_their_tables(tmp_path):
    rows = "".join(f"{a},{a + 1}\n" for a in range(20))
    (tmp_path / "net.csv").write_text(f"source,target\n{rows}")
    reader = EdgeLists(features=FeaturePolicy(name="degree"))
    (item,) = reader.index(tmp_path)

    names, graph = reader.node_names(item).tolist(), reader.read(item)

    assert names == sorted(map(str, range(21)))  # as text: 10 before 2
    ends = [(names[a], names[b]) for a, b in graph.edge_index.T.tolist()]
    assert ends == [(str(a), str(a + 1)) for a in range(20)]


def test_a_text_column_is_left_out_with_a_note_or_encoded(folder):
    (folder / "trade.csv").write_text("source,target,kind\nb,a,wire\nb,c,card\na,c,cash\n")
    (note,) = EdgeLists().index(folder).notes
    assert note.startswith("trade.csv, column kind: left out")
    assert "3 values ('card', 'cash', 'wire')" in note
    assert EdgeLists().index(folder)[0].metadata["widths"] == [2, 0]

    reader = EdgeLists(columns=ColumnPolicy(categories={"kind": ("card", "wire")}))
    (item,) = reader.index(folder)
    assert reader.read(item).edge_attr.tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 1]]


def test_dates_count_in_years(folder):
    (folder / "trade.csv").write_text(
        "source,target,when,at\nb,a,2000-01-01,2001-01-01T12:00:00\nb,c,1999-01-01,2000-01-01\n"
    )
    items = EdgeLists().index(folder)
    assert [note.split(":")[0] for note in items.notes] == [
        "trade.csv, column when",
        "trade.csv, column at",
    ]
    found = EdgeLists().read(items[0]).edge_attr
    year = 365.25
    expected = [[0, 366.5 / year], [-365 / year, 0]]
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-6)
    table = pa.table({"source": ["b"], "target": ["a"], "when": [datetime.date(2001, 1, 1)]})
    pq.write_table(table, folder / "dated.parquet")
    graph = EdgeLists(features=FeaturePolicy(name="constant"))
    (item,) = graph.index(folder / "dated.parquet")
    np.testing.assert_allclose(graph.read(item).edge_attr, [[366 / year]], atol=1e-6)


def test_columns_are_chosen(folder):
    reader = EdgeLists(columns=ColumnPolicy(use=("age",)))
    (item,) = reader.index(folder)
    assert reader.read(item).x.tolist() == [[10], [20], [30], [40]]
    assert reader.read(item).edge_attr is None
    (folder / "trade.csv").write_text("source,target,kind\nb,a,wire\n")
    with pytest.raises(DataError, match="categories for it, found 1 value "):
        EdgeLists(columns=ColumnPolicy(use=("kind",))).index(folder)


@pytest.mark.parametrize("ending", [".tsv", ".csv.gz", ".CSV"])
def test_tables_of_other_forms_are_read(tmp_path, ending):
    text = "source\ttarget\nb\ta\n" if ending == ".tsv" else "source;target\nb;a\n"
    content = ("\ufeff" + text).encode()
    content = gzip.compress(content) if ending.endswith("gz") else content
    (tmp_path / f"net{ending}").write_bytes(content)
    (tmp_path / "net.nodes.csv").write_text("node,size\nb,2\na,1\n")
    (item,) = EdgeLists().index(tmp_path)
    assert EdgeLists().node_names(item).tolist() == ["b", "a"]
    assert EdgeLists().read(item).x.tolist() == [[2], [1]]


def test_rows_that_do_not_parse_are_counted(folder):
    (folder / "trade.csv").write_text("source,target,amount\nb,a,2\nb\nb,c,3\n")
    items = EdgeLists().index(folder)
    assert "1 of 3 rows do not parse" in items.notes[0]
    assert EdgeLists().read(items[0]).edge_attr.tolist() == [[2], [3]]


def test_a_changed_table_of_nodes_is_read_anew(folder):
    (item,) = EdgeLists().index(folder)
    EdgeLists().read(item)
    nodes = folder / "trade.nodes.csv"
    nodes.write_text("node,size,age\na,5,10\nb,2,20\nc,3,30\nd,4,40\n")
    os.utime(nodes, ns=(0, 0))
    assert float(EdgeLists().read(item).x[0, 0]) == 5


def test_missing_and_empty_folders_say_what_was_expected(tmp_path):
    with pytest.raises(DataError, match="no such file or folder"):
        EdgeLists().index(tmp_path / "nowhere")
    with pytest.raises(DataError, match="no table of edges that can be used"):
        EdgeLists().index(tmp_path)


def test_what_was_read_once_is_not_changed_by_its_reader(folder):
    reader = EdgeLists()
    item = reader.index(folder)[0]
    reader.read(item).x.zero_()

    assert np.isclose(float(reader.read(item).x.sum()), 110)


def test_a_manifest_lists_tables_of_edges(tmp_path):
    for name in "ab":
        (tmp_path / f"{name}.csv").write_text("source,target\nu,v\n")
    (tmp_path / "m.csv").write_text("path,group\nb.csv,x\n")
    items = EdgeLists(manifest="m.csv", features={"name": "degree"}).index(tmp_path)
    assert [(item.id, item.group) for item in items] == [("b.csv", "x")]
