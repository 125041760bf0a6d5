import numpy as np
import pytest
import torch
from user_item_samples import interactions, light_gcn, normalised

from unlabeled.data.items import Item
from unlabeled.errors import RecipeError
from unlabeled.objectives.byol import BYOL, BYOLSettings
from unlabeled.objectives.info_nce import InfoNCE, InfoNCESettings
from unlabeled.randomness import Draw
from unlabeled_graph.interactions import Interactions
from unlabeled_graph.pretexts.sgl import SGL, SGLSettings

DRAW = Draw.of(Item("interactions", "", "", 1), 0, 0)


def pretext(sample, **settings):
    objective = InfoNCE(InfoNCESettings(temperature=0.2, projector=()), 4)
    return SGL(SGLSettings(**settings), light_gcn(sample), objective=objective)


def test_equals_the_formula():
    sample = interactions(8, 9, 0.5)
    method = pretext(sample, triples=6, drop=0.4, weight=0.3, l2=0.1)
    example = method.example(sample, DRAW)
    loss = method(method.collate([example]))
    table = method.encoder.table.detach()
    views = []
    for dropped in example.dropped:
        left = Interactions(sample.user[~dropped], sample.item[~dropped], 8, 9)
        layer = normalised(left)
        mean = (table + layer @ table + layer @ layer @ table) / 3
        views.append(torch.nn.functional.normalize(mean, dim=1))
    sides = {"users": np.unique(example.triples.user), "items": 8 + np.unique(example.triples.item)}
    for side, nodes in sides.items():
        scores = views[0][nodes] @ views[1][nodes].T / 0.2
        forth = torch.logsumexp(scores, 1) - scores.diagonal()
        back = torch.logsumexp(scores, 0) - scores.diagonal()
        wanted = 0.3 * float((forth.mean() + back.mean()) / 2)
        assert float(loss.parts[side]) == pytest.approx(wanted, abs=1e-10)
    assert float(loss.total) == pytest.approx(float(sum(loss.parts.values())), abs=1e-12)


def test_each_view_lacks_its_share_of_the_interactions():
    sample = interactions(60, 60, 0.5)
    dropped = pretext(sample, drop=0.3).example(sample, DRAW).dropped
    assert abs(dropped.mean(1) - 0.3).max() < 0.04
    assert abs((dropped[0] & dropped[1]).mean() - 0.09) < 0.03


def test_a_teacher_is_refused():
    with pytest.raises(RecipeError, match="needs a teacher"):
        SGL(SGLSettings(), light_gcn(interactions()), objective=BYOL(BYOLSettings(), 4))
