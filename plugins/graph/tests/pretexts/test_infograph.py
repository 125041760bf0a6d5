"""InfoGraph against its formula, written out."""

import math

import pytest
import torch
import torch.nn.functional as F
from graph_methods import batch, graph, method

from unlabeled.errors import ShapeError
from unlabeled_graph.pretexts.infograph import InfoGraph


def test_infograph_is_the_formula():
    pretext, samples = (
        method(InfoGraph, encoder={"jump": "all", "readout": ("sum",)}),
        [graph(3), graph(5)],
    )
    states = pretext.encoder.body.states(pretext.encoder.collate(samples))
    seen = torch.cat(states, 1)
    local = pretext.nodes(seen)
    whole = pretext.graphs(torch.stack([seen[:3].sum(0), seen[3:].sum(0)]))
    scores, own = local @ whole.T, torch.tensor([[1, 0]] * 3 + [[0, 1]] * 5).bool()

    positive = (math.log(2) - F.softplus(-scores[own])).mean()
    negative = (F.softplus(-scores[~own]) + scores[~own] - math.log(2)).mean()

    torch.testing.assert_close(pretext(batch(pretext, samples)).total, negative - positive)
    with pytest.raises(ShapeError, match="2"):
        pretext(batch(pretext, samples[:1]))
