import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch_geometric.data import Data

from unlabeled.errors import DataError, UnreadableItem
from unlabeled_graph.encoders.gat import GAT, GATSettings
from unlabeled_graph.encoders.gcn import GCN, GCNSettings
from unlabeled_graph.encoders.gin import GIN, GINSettings
from unlabeled_graph.encoders.sage import SAGE, SAGESettings
from unlabeled_graph.graph_files import save_graphs
from unlabeled_graph.large_graph import LargeGraph, by_target
from unlabeled_graph.layerwise import embed_nodes
from unlabeled_graph.readers.blocks import Blocks
from unlabeled_graph.synthetic import community_graph

ENCODERS = {GAT: GATSettings, GCN: GCNSettings, GIN: GINSettings, SAGE: SAGESettings}


def in_memory(graph):
    first, neighbours = by_target(graph.edge_index.numpy(), len(graph.x))
    return LargeGraph(graph.x.numpy(), first, neighbours)


def edges_of(graph):
    return sorted(map(tuple, graph.edge_index.T.tolist()))


@given(st.integers(0, 60), st.integers(1, 8), st.integers(0, 99))
def test_sampled_edges_are_edges_and_as_many_as_asked_without_repeats(edges, count, seed):
    rng = np.random.default_rng(seed)
    ends = np.unique(rng.integers(9, size=(2, edges)), axis=1)
    graph = LargeGraph(np.zeros((9, 1), np.float32), *by_target(ends, 9))
    targets = rng.permutation(9)[:5]

    source, place = graph.sample_into(targets, count, rng)

    found = list(zip(source.tolist(), targets[place].tolist(), strict=True))
    assert len(found) == len(set(found))
    assert set(found) <= set(map(tuple, ends.T.tolist()))
    degree = (ends[1][:, None] == targets).sum(0)
    assert np.bincount(place, minlength=5).tolist() == np.minimum(degree, count).tolist()


def test_every_neighbour_is_as_likely():
    graph = LargeGraph(
        np.zeros((8, 1), np.float32), *by_target(np.array([range(1, 8), [0] * 7]), 8)
    )
    rng = np.random.default_rng(0)

    drawn = np.concatenate([graph.sample_into(np.array([0]), 3, rng)[0] for _ in range(3000)])

    shares = np.bincount(drawn, minlength=8)[1:] / 3000
    assert np.abs(shares - 3 / 7).max() < 0.04


def test_blocks_hold_every_node_once_and_the_edges_inside_them(tmp_path):
    whole = community_graph(250, 6, seed=0)
    save_graphs([whole], tmp_path / "large.safetensors")
    reader = Blocks(nodes=100)
    items = reader.index(tmp_path)
    sizes = [len(reader.read(items[n]).x) for n in range(len(items))]
    rows = torch.cat([reader.read(items[n]).x for n in range(len(items))])

    assert sizes == [100, 100, 50]
    assert sorted(map(tuple, rows.tolist())) == sorted(map(tuple, whole.x.tolist()))
    one = reader.read(items[0])
    names = {tuple(row.tolist()): place for place, row in enumerate(whole.x)}
    nodes = [names[tuple(row.tolist())] for row in one.x]
    true = {tuple(e) for e in whole.edge_index.T.tolist() if set(e) <= set(nodes)}
    assert {(nodes[a], nodes[b]) for a, b in edges_of(one)} == true
    # A cluster keeps most of its edges; a random block of the same size keeps two in five.
    kept = sum(reader.read(items[n]).num_edges for n in range(3))
    assert kept > 0.5 * whole.num_edges


def test_sampled_blocks_begin_with_their_seeds_and_are_undirected(tmp_path):
    whole = community_graph(400, 8, seed=0)
    save_graphs([whole], tmp_path / "large.safetensors")
    reader = Blocks(by="neighbours", nodes=50, fanout=(3, 2))
    items = reader.index(tmp_path)

    found = reader.read(items[0], np.random.default_rng(0))

    edges = edges_of(found)
    assert 50 < len(found.x) <= 50 * (1 + 3 + 3 * 2)
    assert edges == sorted((b, a) for a, b in edges)
    assert len(edges) == len(set(edges))
    assert torch.equal(reader.read(items[0]).x, reader.read(items[0]).x)
    assert not torch.equal(reader.read(items[0], np.random.default_rng(1)).edge_index[:, :9],
                           found.edge_index[:, :9])  # fmt: skip


@pytest.mark.parametrize("kind", ENCODERS)
def test_layer_by_layer_equals_one_pass(kind):
    torch.manual_seed(0)
    graph = community_graph(120, 6, seed=1)
    graph.edge_index = torch.unique(graph.edge_index, dim=1)
    graph.edge_index = graph.edge_index[:, graph.edge_index[0] != graph.edge_index[1]]
    encoder = kind(ENCODERS[kind](node_features=16, width=8, depth=3, residual=True)).eval()

    found = embed_nodes(encoder, in_memory(graph), chunk=37)

    expected = encoder.encode(encoder.collate([graph]), "nodes").values
    torch.testing.assert_close(torch.from_numpy(found), expected.detach(), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(
    ("graphs", "message"),
    [
        ([Data(torch.ones(2, 1), torch.tensor([[0], [1]]))] * 2, "expected one graph, found 2"),
        ([Data(torch.ones(2, 1), torch.tensor([[0], [5]]))], "node numbers 0 to 1"),
        ([Data(edge_index=torch.tensor([[0], [1]]), num_nodes=2)], "node features"),
    ],
)
def test_files_that_do_not_fit_are_refused_by_name(tmp_path, graphs, message):
    save_graphs(graphs, tmp_path / "large.safetensors")
    with pytest.raises((DataError, UnreadableItem), match=message):
        Blocks().read(Blocks().index(tmp_path)[0])


def test_nan_features_and_missing_files_are_told(tmp_path):
    with pytest.raises(DataError, match=r"one \.safetensors"):
        Blocks().index(tmp_path)
    save_graphs(
        [Data(torch.full((2, 1), torch.nan), torch.tensor([[0], [1]]))], tmp_path / "a.safetensors"
    )
    items = Blocks().index(tmp_path)
    with pytest.raises(UnreadableItem, match="NaN"):
        Blocks().read(items[0])


@pytest.mark.parametrize("by", ["clusters", "neighbours"])
def test_nodes_of_blocks_are_called_as_in_the_whole_graph(tmp_path, by):
    whole = community_graph(250, 6, seed=0)
    save_graphs([whole], tmp_path / "large.safetensors")
    reader = Blocks(nodes=100, by=by, fanout=(2,))
    items = reader.index(tmp_path)
    numbers = [reader.node_names(item) for item in items]
    assert sorted(np.concatenate(numbers).tolist()) == list(range(250))
    for item, own in zip(items, numbers, strict=True):
        assert len(own) == item.size
        assert torch.equal(reader.read(item).x[: item.size], whole.x[own])

    whole.node_names = [f"account {place}" for place in range(250)]
    save_graphs([whole], tmp_path / "large.safetensors")
    named = [reader.node_names(item).tolist() for item in items]
    assert named == [[f"account {place}" for place in own] for own in numbers]
