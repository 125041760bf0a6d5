import pytest
import torch
from user_item_samples import interactions, light_gcn, normalised

from unlabeled.data.items import Item
from unlabeled.objectives.info_nce import InfoNCE, InfoNCESettings, info_nce_loss
from unlabeled.randomness import Draw
from unlabeled_graph.pretexts.simgcl import SimGCL, SimGCLSettings, add_noise

DRAW = Draw.of(Item("interactions", "", "", 1), 0, 0)


def pretext(sample, **settings):
    objective = InfoNCE(InfoNCESettings(temperature=0.2, projector=()), 4)
    encoder = light_gcn(sample, mean="spread")
    return SimGCL(SimGCLSettings(**settings), encoder, objective=objective)


def test_noise_has_its_length_and_the_signs_of_what_it_changes():
    x = torch.randn(40, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    noise = add_noise(0.3, 5)(x) - x
    torch.testing.assert_close(noise.norm(dim=1), torch.full((40,), 0.3).double())
    assert torch.equal(noise.sign(), x.sign())
    assert torch.equal(add_noise(0.3, 5)(x) - x, noise)
    assert not torch.equal(add_noise(0.3, 6)(x) - x, noise)


def test_each_layer_has_a_noise_of_its_own():
    change = add_noise(0.3, 5)
    x = torch.ones(4, 3)
    assert not torch.equal(change(x), change(x))


def test_equals_the_formula():
    sample = interactions(8, 9, 0.5)
    method = pretext(sample, triples=6, noise=0.4, weight=0.3)
    [batch] = [method.collate([method.example(sample, DRAW)])]
    loss = method(batch)
    table, layer = method.encoder.table.detach(), normalised(sample)
    views = []
    for seed in batch[0].seeds:
        generator, states = torch.Generator().manual_seed(seed), [table]
        for _ in range(2):
            spread = layer @ states[-1]
            drawn = torch.rand(spread.shape, generator=generator, dtype=torch.float64)
            unit = drawn / drawn.norm(dim=1, keepdim=True)
            states.append(spread + 0.4 * unit * spread.sign())
        views.append((states[1] + states[2]) / 2)
    users = batch[0].triples.user.unique()
    wanted = 0.3 * info_nce_loss([view[users] for view in views], temperature=0.2).total
    assert float(loss.parts["users"]) == pytest.approx(float(wanted), abs=1e-10)
    clean = (layer @ table + layer @ layer @ table) / 2
    triples = batch[0].triples
    gap = (clean[triples.user] * (clean[triples.other + 8] - clean[triples.item + 8])).sum(1)
    bpr = torch.log1p(torch.exp(gap)).mean()
    assert float(loss.parts["bpr"]) == pytest.approx(float(bpr), abs=1e-10)


def test_two_views_of_one_draw_differ_and_draws_are_keyed():
    sample = interactions()
    method = pretext(sample)
    one, again = (method.example(sample, DRAW).seeds for _ in range(2))
    assert one == again
    assert one[0] != one[1]
    assert method.example(sample, Draw.of(Item("i", "", "", 1), 0, 1)).seeds != one
