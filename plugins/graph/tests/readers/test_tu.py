import numpy as np
import pytest
import torch

from unlabeled.errors import DataError
from unlabeled_graph.readers.policies import EdgePolicy, FeaturePolicy
from unlabeled_graph.readers.tu import TU


@pytest.fixture
def folder(tmp_path):
    """Graph 1 is a path of 3 nodes, graph 2 is missing, graph 3 has 2 nodes."""
    lines = {
        "A": "4, 5\n1, 2\n2, 1\n2, 3\n3, 2\n5, 4\n",
        "graph_indicator": "1\n1\n1\n3\n3\n",
        "graph_labels": "1\n1\n-1\n",
        "node_labels": "7\n2\n7\n2\n2\n",
        "node_attributes": "0.5, 1\n1.5, 2\n2.5, 3\n3.5, 4\n4.5, 5\n",
        "edge_labels": "1\n0\n0\n0\n0\n1\n",
    }
    for name, text in lines.items():
        (tmp_path / f"TOY_{name}.txt").write_text(text)
    return tmp_path


def test_graphs_are_cut_out_of_the_common_files(folder):
    reader = TU()
    items = reader.index(folder)

    assert items.table["id"].to_pylist() == ["TOY#1", "TOY#3"]
    assert items.table["size"].to_pylist() == [3, 2]
    assert items.quarantine[0].source.endswith("#2")
    first, second = (reader.read(item) for item in items)
    assert first.edge_index.tolist() == [[0, 1, 1, 2], [1, 0, 2, 1]]
    assert first.x.tolist() == [[0.5, 1, 0, 1], [1.5, 2, 1, 0], [2.5, 3, 0, 1]]
    assert second.edge_index.tolist() == [[0, 1], [1, 0]]
    assert second.edge_attr.tolist() == [[0, 1], [0, 1]]
    assert reader.describe(items) == {"node_features": 4, "edge_features": 2}


def test_graph_labels_never_become_features(folder):
    before = TU().read(TU().index(folder)[0]).x
    (folder / "TOY_graph_labels.txt").write_text("5\n5\n5\n")

    assert torch.equal(TU().read(TU().index(folder)[0]).x, before)


def test_without_labels_and_attributes_features_are_a_choice(folder):
    for name in ("node_labels", "node_attributes"):
        (folder / f"TOY_{name}.txt").unlink()
    with pytest.raises(DataError, match="degree or constant"):
        TU().describe(TU().index(folder))

    reader = TU(features=FeaturePolicy(name="degree", cap=1))

    items = reader.index(folder)
    assert reader.describe(items)["node_features"] == 2
    assert reader.read(items[0]).x.argmax(1).tolist() == [1, 1, 1]


def test_edge_policies_apply(folder):
    (folder / "TOY_A.txt").write_text("1, 1\n1, 2\n1, 2\n3, 2\n2, 1\n4, 5\n")
    reader = TU(edges=EdgePolicy(self_loops="remove", direction="undirected"))

    graph = reader.read(reader.index(folder)[0])

    assert {tuple(edge) for edge in graph.edge_index.T.tolist()} == {(0, 1), (1, 0), (1, 2), (2, 1)}
    assert graph.num_edges == 4


def test_what_was_read_once_is_not_changed_by_its_reader(folder):
    reader = TU()
    item = reader.index(folder)[0]
    reader.read(item).x.zero_()

    assert np.isclose(float(reader.read(item).x.sum()), 13.5)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("A", "1, 9\n", "node numbers 1 to 5, found 1 to 9"),
        ("A", "1, 4\n", "joins nodes of two graphs"),
        ("A", "1\n", "expected 2 columns"),
        ("A", "one, two\n", "expected lines of numbers"),
        ("graph_indicator", "2\n1\n1\n3\n3\n", "ascending"),
        ("node_labels", "7\n", "expected 5 lines on nodes"),
    ],
)
def test_files_that_contradict_each_other_are_named(folder, name, text, message):
    (folder / f"TOY_{name}.txt").write_text(text)

    with pytest.raises(DataError, match=message):
        TU().index(folder)


def test_a_folder_without_a_set_says_what_was_expected(tmp_path):
    with pytest.raises(DataError, match=r"one NAME_graph_indicator\.txt"):
        TU().index(tmp_path)
    with pytest.raises(DataError, match=str(tmp_path / "nowhere")):
        TU().index(tmp_path / "nowhere")
