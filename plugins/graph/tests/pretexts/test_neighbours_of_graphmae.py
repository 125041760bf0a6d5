"""DGI, InfoGraph, MaskGAE, GraphMAE2 and CCA-SSG against their formulas, written out."""

import numpy as np
import pytest
import torch
from graph_methods import METHODS, batch, graph, method

from unlabeled.errors import RecipeError
from unlabeled_graph.pretexts.dgi import DGI, DGISettings
from unlabeled_graph.pretexts.graphmae2 import GraphMAE2
from unlabeled_graph.pretexts.maskgae import MaskGAE


@pytest.mark.parametrize("kind", METHODS)
@pytest.mark.parametrize("edges", [0, None])
def test_tiny_graphs_and_graphs_without_edges_train(kind, edges):
    pretext = method(kind)

    loss = pretext(batch(pretext, [graph(n, edges) for n in (1, 2, 3)])).total
    loss.backward()

    assert torch.isfinite(loss)
    assert all(torch.isfinite(p.grad).all() for p in pretext.parameters() if p.grad is not None)


@pytest.mark.parametrize("kind", METHODS)
def test_other_encoders_are_refused(kind):
    from unlabeled.contract import Encoder

    class Other(Encoder):
        settings_type = DGISettings

        def collate(self, samples): ...
        def _encode(self, batch, output): ...

    with pytest.raises(RecipeError, match="unlabeled-graph"):
        kind(METHODS[kind], Other(DGISettings()))


def test_a_plan_depends_on_item_and_epoch_alone():
    for kind in (DGI, MaskGAE, GraphMAE2):
        pretext = method(kind)
        made = [batch(pretext, [graph(12)], epoch) for epoch in (0, 0, 1)]
        plans = [
            np.concatenate([t.flatten() for t in (getattr(m, f) for f in m.__slots__)
                            if isinstance(t, torch.Tensor)])
            for m in made
        ]  # fmt: skip
        assert plans[0].tolist() == plans[1].tolist()
        assert plans[0].tolist() != plans[2].tolist()
