"""MaskGAE against its formula, written out."""

import torch
from graph_methods import batch, graph, method, nodes

from unlabeled_graph.pretexts.maskgae import MaskGAE


def test_maskgae_is_the_formula():
    pretext, sample = method(MaskGAE), graph(9, 20)
    made = batch(pretext, [sample])
    z = nodes(pretext, sample.x, made.graphs.edge_index)

    def chance(pairs):
        return torch.sigmoid(pretext.of_pairs(z[pairs[0]] * z[pairs[1]])).squeeze(1)

    degree = torch.bincount(made.hidden.flatten(), minlength=9)
    expected = (
        -chance(made.hidden).log().mean()
        - (1 - chance(made.others)).log().mean()
        + 0.1 * (pretext.of_degrees(z).squeeze(1) - degree).square().mean()
    )

    torch.testing.assert_close(pretext(made).total, expected)


def test_maskgae_hides_both_directions_and_other_pairs_are_no_edges():
    pretext, sample = method(MaskGAE), graph(9, 20)
    made = batch(pretext, [sample])
    edges = {frozenset(e) for e in sample.edge_index.T.tolist()}
    visible = {frozenset(e) for e in made.graphs.edge_index.T.tolist()}
    hidden = {frozenset(e) for e in made.hidden.T.tolist()}
    others = {frozenset(e) for e in made.others.T.tolist()}

    assert hidden | visible == edges
    assert not hidden & visible
    assert len(hidden) == made.hidden.shape[1] == len(edges) // 2
    assert not others & edges
    assert len(others) == made.others.shape[1] == len(hidden)
