import re
from pathlib import Path

import pytest
import torch
from torch_geometric.data import Data, InMemoryDataset

from unlabeled.errors import DataError, ShapeError, UnreadableItem
from unlabeled_graph.graph_files import save_graphs
from unlabeled_graph.readers.graphs import Graphs
from unlabeled_graph.readers.policies import EdgePolicy, FeaturePolicy
from unlabeled_graph.readers.pyg_files import as_plain


def ring(size, features=3):
    ends = torch.arange(size)
    return Data(
        x=torch.randn(size, features),
        edge_index=torch.stack([ends, ends.roll(-1)]),
        edge_attr=torch.randn(size, 2),
    )


def same(a, b):
    torch.testing.assert_close(a.x, b.x)
    assert torch.equal(a.edge_index, b.edge_index)
    torch.testing.assert_close(a.edge_attr, b.edge_attr)


@pytest.fixture
def graphs():
    torch.manual_seed(0)
    return [ring(4), ring(1), ring(6)]


def test_saved_graphs_come_back_one_by_one(tmp_path, graphs):
    save_graphs(graphs, tmp_path / "a.safetensors", ids=["p", "q", "r"], groups=["x", "x", "y"])
    reader = Graphs()

    items = reader.index(tmp_path)

    assert items.table["id"].to_pylist() == [f"a.safetensors#{name}" for name in "pqr"]
    assert items.table["group"].to_pylist() == ["x", "x", "y"]
    assert items.table["size"].to_pylist() == [4, 1, 6]
    for item, graph in zip(items, graphs, strict=True):
        same(reader.read(item), graph)
    assert reader.describe(items) == {"node_features": 3, "edge_features": 2}


@pytest.mark.parametrize("kind", ["one", "list", "joined", "joined dict"])
def test_pyg_files_of_plain_data_are_read(tmp_path, graphs, kind):
    data, slices = InMemoryDataset.collate(graphs)
    content = {
        "one": graphs[0],
        "list": graphs,
        "joined": (data, slices),
        "joined dict": (data.to_dict(), slices, Data),
    }[kind]
    torch.save(content, tmp_path / "a.pt")
    reader = Graphs()

    items = reader.index(tmp_path)

    expected = graphs[:1] if kind == "one" else graphs
    assert len(items) == len(expected)
    for item, graph in zip(items, expected, strict=True):
        same(reader.read(item), graph)


def test_a_pyg_file_that_could_run_code_is_refused_with_the_lines_that_convert_it(tmp_path, graphs):
    torch.save([Path("code")], tmp_path / "a.pt")
    with pytest.raises(DataError, match=r"weights_only=False\)\n.*save_graphs") as caught:
        Graphs().index(tmp_path)
    assert "pathlib" in str(caught.value)

    save_graphs(graphs, tmp_path / "b.safetensors")
    items = Graphs().index(tmp_path)
    assert len(items) == 3
    assert items.quarantine[0].source.endswith("a.pt")
    assert "save_graphs" in items.notes[0]


def test_broken_and_foreign_files_are_quarantined(tmp_path, graphs):
    from safetensors.torch import save_file

    save_graphs(graphs, tmp_path / "good.safetensors")
    (tmp_path / "broken.safetensors").write_bytes(b"nothing")
    save_file({"weight": torch.zeros(2)}, tmp_path / "model.safetensors")
    (tmp_path / "broken.pt").write_bytes(b"nothing")

    items = Graphs().index(tmp_path)

    names = {Path(entry.source).name for entry in items.quarantine}
    assert names == {"broken.safetensors", "model.safetensors", "broken.pt"}


def test_graphs_without_nodes_are_quarantined(tmp_path, graphs):
    empty = Data(torch.zeros(0, 3), torch.zeros(2, 0, dtype=torch.long), torch.zeros(0, 2))
    save_graphs([empty, *graphs], tmp_path / "a.safetensors")

    items = Graphs().index(tmp_path)

    assert len(items) == 3
    assert items.quarantine[0].source.endswith("a.safetensors#0")
    same(Graphs().read(items[0]), graphs[0])


@pytest.mark.parametrize("fault", ["NaN", "node number"])
def test_values_that_no_encoder_can_take_are_named_on_reading(tmp_path, graphs, fault):
    if fault == "NaN":
        graphs[1].x[0, 0] = float("nan")
    else:
        graphs[1].edge_index[0, 0] = 7
    save_graphs(graphs, tmp_path / "a.safetensors")
    items = Graphs().index(tmp_path)

    with pytest.raises(UnreadableItem, match=fault):
        Graphs().read(items[1])


def test_files_with_other_features_and_missing_folders_are_refused(tmp_path, graphs):
    save_graphs(graphs, tmp_path / "a.safetensors")
    save_graphs([ring(4, features=5)], tmp_path / "b.safetensors")

    with pytest.raises(DataError, match="same number of node and edge features"):
        Graphs().index(tmp_path)
    with pytest.raises(DataError, match="no such file or folder"):
        Graphs().index(tmp_path / "c")
    with pytest.raises(ShapeError, match="same columns"):
        save_graphs([ring(4), ring(4, features=5)], tmp_path / "c.safetensors")


def test_graphs_without_features_get_them_by_choice_only(tmp_path):
    bare = Data(edge_index=torch.tensor([[0, 1, 2], [1, 1, 1]]), num_nodes=4)
    save_graphs([bare], tmp_path / "a.safetensors")
    items = Graphs().index(tmp_path)

    with pytest.raises(DataError, match=r"reader.features.name to degree or constant"):
        Graphs().describe(items)

    by_degree = Graphs(features=FeaturePolicy(name="degree", cap=2))
    assert by_degree.read(items[0]).x.argmax(1).tolist() == [0, 2, 0, 0]
    assert by_degree.describe(items) == {"node_features": 3, "edge_features": 0}
    constant = Graphs(features=FeaturePolicy(name="constant"))
    assert constant.read(items[0]).x.tolist() == [[1.0]] * 4


def test_edge_policies_do_what_they_say():
    graph = Data(
        x=torch.zeros(3, 1),
        edge_index=torch.tensor([[0, 0, 1, 2, 2], [1, 1, 0, 2, 1]]),
        edge_attr=torch.arange(5.0).unsqueeze(1),
    )

    kept = EdgePolicy().apply(graph)
    merged = EdgePolicy(duplicates="merge", self_loops="remove").apply(graph)
    undirected = EdgePolicy(direction="undirected").apply(graph)

    assert torch.equal(kept.edge_index, graph.edge_index)
    assert merged.edge_index.tolist() == [[0, 1, 2], [1, 0, 1]]
    assert merged.edge_attr.flatten().tolist() == [0.0, 2.0, 4.0]
    assert set(map(tuple, undirected.edge_index.T.tolist())) == {
        (0, 1), (1, 0), (2, 2), (2, 1), (1, 2),
    }  # fmt: skip
    assert undirected.edge_index.shape[1] == 5


def test_edge_policies_accept_graphs_without_edges():
    graph = Data(x=torch.zeros(2, 1), edge_index=torch.zeros(2, 0, dtype=torch.long))

    changed = EdgePolicy(direction="undirected", self_loops="remove", duplicates="merge").apply(
        graph
    )

    assert changed.edge_index.shape == (2, 0)


def test_nodes_are_called_by_their_names_where_the_file_has_them(tmp_path):
    graphs = [ring(3), ring(2)]
    graphs[0].node_names, graphs[1].node_names = ["b", "ä", "a"], ["a", "é#1"]
    save_graphs(graphs, tmp_path / "a.safetensors")
    torch.save(graphs, tmp_path / "b.pt")
    reader = Graphs()
    items = reader.index(tmp_path)
    names = [reader.node_names(item).tolist() for item in items]
    assert names == [["b", "ä", "a"], ["a", "é#1"]] * 2

    save_graphs([ring(3)], tmp_path / "c.safetensors")
    (item,) = reader.index(tmp_path / "c.safetensors")
    assert reader.node_names(item).tolist() == [0, 1, 2]


def test_a_name_that_stands_twice_is_refused(tmp_path):
    graph = ring(3)
    graph.node_names = ["a", "b", "a"]
    with pytest.raises(ShapeError, match="expected 3 different names, found 3 names, 2 different"):
        save_graphs([graph], tmp_path / "a.safetensors")
    torch.save(graph, tmp_path / "a.pt")
    with pytest.raises(DataError, match="3 different node_names"):
        Graphs().index(tmp_path)


@pytest.mark.parametrize("kind", [torch.float64, torch.int64, torch.bool, torch.float16])
def test_features_of_any_real_type_become_float32(tmp_path, kind):
    graph = ring(4)
    graph.x, graph.edge_attr = torch.eye(4)[:, :3].to(kind), torch.ones(4, dtype=kind)
    graph.edge_index = graph.edge_index.int()
    torch.save([graph], tmp_path / "a.pt")
    reader = Graphs()
    items = reader.index(tmp_path)
    found = reader.read(items[0])
    assert (found.x.dtype, found.edge_attr.dtype) == (torch.float32, torch.float32)
    assert found.edge_index.dtype == torch.int64
    assert torch.equal(found.x, torch.eye(4)[:, :3])
    assert found.edge_attr.shape == (4, 1)
    assert reader.describe(items) == {"node_features": 3, "edge_features": 1}


@pytest.mark.parametrize("layout", ["coo", "csr"])
def test_sparse_features_become_dense(tmp_path, layout):
    graph = ring(4)
    graph.x = torch.eye(4).to_sparse() if layout == "coo" else torch.eye(4).to_sparse_csr()
    torch.save(graph, tmp_path / "a.pt")
    (item,) = Graphs().index(tmp_path)
    assert torch.equal(Graphs().read(item).x, torch.eye(4))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": torch.ones(4, 2, dtype=torch.complex64)}, "real numbers, found torch.complex64"),
        ({"x": torch.ones(4, 2, 2)}, r"one or two axes, found shape \(4, 2, 2\)"),
        ({"x": torch.ones(4, 3).tolist()}, "as a tensor of real numbers, found list"),
        ({"edge_index": None}, "no edge_index among edge_attr, .*x"),
    ],
)
def test_one_graph_that_cannot_be_used_is_listed_and_the_others_are_read(tmp_path, change, message):
    bad, good = ring(4), ring(5)
    for name, value in change.items():
        bad[name] = value
    torch.save([bad, good], tmp_path / "a.pt")
    items = Graphs().index(tmp_path)
    assert items.table["id"].to_pylist() == ["a.pt#1"]
    (entry,) = items.quarantine
    assert entry.source.endswith("a.pt#0")
    assert re.search(message, f"{entry.expected}, found {entry.found}")
    assert len(Graphs().read(items[0]).x) == 5


def test_sparse_features_that_would_fill_the_memory_are_refused():
    graph = ring(2)
    graph.x = torch.sparse_coo_tensor(torch.zeros(2, 1), [1.0], (2**15, 2**15))
    assert "dense" in as_plain(graph).expected


@pytest.mark.parametrize(
    "content", [b"", b"garbage", bytes(range(256)) * 9, b"e\x80\x04", b"PK\x03\x04" + b"0" * 99]
)
def test_a_broken_file_is_listed_and_the_others_are_read(tmp_path, content):
    (tmp_path / "broken.pt").write_bytes(content)
    torch.save(ring(4), tmp_path / "good.pt")
    items = Graphs().index(tmp_path)
    assert len(items) == 1
    (entry,) = items.quarantine
    assert entry.source.endswith("broken.pt")
    assert items.notes == ()


def test_a_manifest_lists_files_with_groups_and_columns(tmp_path):
    for name in "abc":
        save_graphs([ring(4)], tmp_path / f"{name}.safetensors")
    (tmp_path / "m.csv").write_text("path,lab,site\nc.safetensors,x,oslo\na.safetensors,y,rome\n")
    items = Graphs(manifest="m.csv", group="lab").index(tmp_path)
    assert [item.id for item in items] == ["a.safetensors#0", "c.safetensors#0"]
    assert [item.group for item in items] == ["y", "x"]
    assert [item.metadata["site"] for item in items] == ["rome", "oslo"]
    (tmp_path / "m.csv").write_text("path,size\nc.safetensors,4\n")
    with pytest.raises(DataError, match="the names size are the reader's own"):
        Graphs(manifest="m.csv").index(tmp_path)
