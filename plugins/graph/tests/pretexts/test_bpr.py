import math

import numpy as np
import pytest
import torch
from user_item_samples import interactions, light_gcn, normalised

from unlabeled.data.items import Item
from unlabeled.errors import RecipeError, UnreadableItem
from unlabeled.randomness import Draw
from unlabeled_graph.interactions import Interactions
from unlabeled_graph.pretexts.bpr import BPR, BPRSettings, draw_triples

DRAW = Draw.of(Item("interactions", "", "", 1), 0, 0)


def test_a_user_has_the_one_item_and_lacks_the_other():
    sample = interactions(9, 8)
    triples = draw_triples(sample, 4000, np.random.default_rng(0))
    has = set(zip(sample.user.tolist(), sample.item.tolist(), strict=True))
    drawn = set(zip(triples.user.tolist(), triples.item.tolist(), strict=True))
    assert drawn == has
    assert not has & set(zip(triples.user.tolist(), triples.other.tolist(), strict=True))


def test_users_who_have_everything_are_never_drawn():
    sample = Interactions(np.array([0, 0, 1]), np.array([0, 1, 0]), 2, 2)
    assert set(draw_triples(sample, 50, np.random.default_rng(0)).user.tolist()) == {1}
    full = Interactions(np.array([0, 0]), np.array([0, 1]), 1, 2)
    with pytest.raises(UnreadableItem, match="a user who lacks some item"):
        draw_triples(full, 5, np.random.default_rng(0))


def test_equals_the_formula():
    sample = interactions()
    pretext = BPR(BPRSettings(triples=20, l2=0.3), light_gcn(sample))
    example = pretext.example(sample, DRAW)
    loss = pretext(pretext.collate([example]))
    table, layer = pretext.encoder.table.detach(), normalised(sample)
    vectors = (table + layer @ table + layer @ layer @ table) / 3
    bpr, penalty = [], []
    for user, item, other in zip(example.user, example.item, example.other, strict=True):
        item, other = item + sample.users, other + sample.users
        gap = float(vectors[user] @ vectors[item] - vectors[user] @ vectors[other])
        bpr.append(-math.log(1 / (1 + math.exp(-gap))))
        penalty.append(sum(float(table[node] @ table[node]) for node in (user, item, other)) / 2)
    assert float(loss.parts["bpr"]) == pytest.approx(np.mean(bpr), abs=1e-10)
    assert float(loss.parts["l2"]) == pytest.approx(0.3 * np.mean(penalty), abs=1e-10)
    assert float(loss.total) == pytest.approx(np.mean(bpr) + 0.3 * np.mean(penalty), abs=1e-10)


def test_several_draws_of_a_graph_count_alike():
    sample = interactions()
    pretext = BPR(BPRSettings(triples=20), light_gcn(sample))
    examples = [pretext.example(sample, Draw.of(Item("i", "", "", 1), 0, e)) for e in range(3)]
    alone = [float(pretext(pretext.collate([each])).total) for each in examples]
    together = float(pretext(pretext.collate(examples)).total)
    assert together == pytest.approx(np.mean(alone), abs=1e-12)


def test_the_loss_falls_below_that_of_a_coin():
    """The penalty is a mean over triples: at the published λ it does not hold the loss at log 2."""
    sample = interactions(30, 20, 0.2)
    pretext = BPR(BPRSettings(triples=200, l2=1e-4), light_gcn(sample, width=8))
    optimiser = torch.optim.Adam(pretext.parameters(), 0.05)
    for epoch in range(60):
        draw = Draw.of(Item("i", "", "", 1), 0, epoch)
        loss = pretext(pretext.collate([pretext.example(sample, draw)]))
        optimiser.zero_grad()
        loss.total.backward()
        optimiser.step()
    assert float(loss.total) < 0.5 < math.log(2)


def test_another_encoder_is_refused():
    with pytest.raises(RecipeError, match="needs the encoder graph/light_gcn"):
        BPR(BPRSettings(), torch.nn.Linear(1, 1))
