import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score
from torch_geometric.data import Data

from unlabeled.contract import Piece
from unlabeled.data.items import Items
from unlabeled.data.quarantine import Limits
from unlabeled.errors import DataError
from unlabeled.inference.reading import Source
from unlabeled_graph.assessments.link_prediction import HeldOut, LinkPrediction, cosines, hold_out
from unlabeled_graph.pairs import other_pairs, pairs_of


def graph(nodes=30, edges=60):
    ends = torch.randint(nodes, (2, edges), generator=torch.Generator().manual_seed(0))
    return Data(torch.eye(nodes), torch.cat([ends, ends.flip(0)], 1), torch.rand(2 * edges, 2))


def scores(nodes, held):
    found, true = cosines(nodes, held)
    return roc_auc_score(true, found), average_precision_score(true, found)


def sets(pairs):
    return {frozenset(pair) for pair in np.asarray(pairs).T.tolist()}


def test_what_is_held_out_is_gone_in_both_directions():
    whole = graph()
    held = hold_out(whole, share=0.2)

    before, left = sets(whole.edge_index), sets(held.graph.edge_index)
    assert left | sets(held.edges) == before
    assert not left & sets(held.edges)
    assert not sets(held.others) & before
    assert len(sets(held.others)) == held.edges.shape[1] > 0
    assert len(held.graph.edge_attr) == held.graph.edge_index.shape[1]
    with pytest.raises(DataError, match="nothing is held out"):
        hold_out(whole, share=0.001)


def test_scores_are_those_of_the_definition():
    held = HeldOut(None, np.array([[0, 2], [1, 3]]), np.array([[0, 1], [2, 2]]))
    nodes = torch.tensor([[1.0, 0], [1, 0.1], [-1, 0], [-1, 0.1]])

    assert scores(nodes, held) == (1.0, 1.0)
    assert scores(nodes[torch.tensor([0, 2, 1, 3])], held)[0] <= 0.5


@given(st.integers(1, 12), st.integers(0, 40), st.integers(0, 20))
def test_other_pairs_are_new_different_and_ordered(nodes, edges, count):
    rng = np.random.default_rng(count)
    pairs, pair = pairs_of(rng.integers(nodes, size=(2, edges)))
    others = other_pairs(pairs, nodes, count, rng)

    assert len(pair) == edges
    assert others.shape[1] <= count
    assert (others[0] < others[1]).all()
    assert len(sets(others)) == others.shape[1]
    assert not sets(others) & sets(pairs)


class Graphs:
    """A reader of graphs in memory."""

    def __init__(self, *graphs):
        self.graphs = graphs

    def read(self, item, rng=None):
        return self.graphs[int(item.id)]


class Fixed:
    """A subject whose nodes have given embeddings, or none."""

    def __init__(self, nodes):
        self.nodes = nodes

    def encode(self, samples, kind):
        assert kind == "nodes"
        if self.nodes is None:
            return None
        back = np.arange(len(self.nodes))[::-1]
        return [Piece(self.nodes[back], node=back) for _ in samples]


def source(*graphs):
    names = [str(place) for place in range(len(graphs))]
    sizes = [len(each.x) for each in graphs]
    return Source(
        Items.of({"id": names, "source": names, "size": sizes}), Graphs(*graphs), Limits()
    )


def test_the_assessment_gives_the_figures_of_its_protocol():
    """As `link_scores` gave them, before this was an assessment, to the digit."""
    whole, nodes = graph(), torch.randn(30, 5, generator=torch.Generator().manual_seed(1))
    subject, share = Fixed(nodes.numpy()), 0.2
    found = LinkPrediction(share=share).assess(subject, source(whole), None, None)
    every = np.arange(len(found.units))
    assert tuple(each.of(every) for each in found.scores) == scores(nodes, hold_out(whole, share))
    assert len(set(found.groups.tolist())) == len(found.units)  # one graph: each pair is its own
    assert "of one graph" in found.notes[0]

    two = LinkPrediction(share=share).assess(subject, source(whole, whole), None, None)
    assert sorted(set(two.groups.tolist())) == ["item 0", "item 1"]
    edges = np.flatnonzero([unit in found.units[: len(every) // 2] for unit in found.units])
    assert np.isnan(found.scores[0].of(edges[:1]))


def test_what_has_no_nodes_is_left_out_and_what_has_no_edges_is_said():
    assert LinkPrediction().assess(Fixed(None), source(graph()), None, None) is None
    lone = Data(torch.eye(3), torch.zeros(2, 0, dtype=torch.long))
    with pytest.raises(DataError, match=r"a share of 0.1 of the edges is none, in every graph"):
        LinkPrediction().assess(Fixed(np.eye(3)), source(lone), None, None)
