import pytest
import torch
from user_item_samples import interactions, light_gcn, normalised

from unlabeled.data.items import Item
from unlabeled.errors import RecipeError
from unlabeled.objectives.info_nce import InfoNCE, InfoNCESettings, info_nce_loss
from unlabeled.randomness import Draw
from unlabeled_graph.pretexts.xsimgcl import XSimGCL, XSimGCLSettings

DRAW = Draw.of(Item("interactions", "", "", 1), 0, 0)


def pretext(sample, layers=2, **settings):
    objective = InfoNCE(InfoNCESettings(temperature=0.2, projector=()), 4)
    encoder = light_gcn(sample, mean="spread", layers=layers)
    return XSimGCL(XSimGCLSettings(**settings), encoder, objective=objective)


def test_equals_the_formula():
    sample = interactions(8, 9, 0.5)
    method = pretext(sample, triples=6, noise=0.4, weight=0.3)
    batch = method.collate([method.example(sample, DRAW)])
    loss, triples = method(batch), batch[0].triples
    layer, states = normalised(sample), [method.encoder.table.detach()]
    generator = torch.Generator().manual_seed(batch[0].seed)
    for _ in range(2):
        spread = layer @ states[-1]
        drawn = torch.rand(spread.shape, generator=generator, dtype=torch.float64)
        states.append(spread + 0.4 * drawn / drawn.norm(dim=1, keepdim=True) * spread.sign())
    noisy = (states[1] + states[2]) / 2
    gap = (noisy[triples.user] * (noisy[triples.other + 8] - noisy[triples.item + 8])).sum(1)
    assert float(loss.parts["bpr"]) == pytest.approx(
        float(torch.log1p(torch.exp(gap)).mean()), abs=1e-10
    )
    for side, nodes in {"users": triples.user, "items": triples.item + 8}.items():
        each = nodes.unique()
        wanted = 0.3 * info_nce_loss([noisy[each], states[1][each]], temperature=0.2).total
        assert float(loss.parts[side]) == pytest.approx(float(wanted), abs=1e-10)


def test_the_contrasted_layer_comes_before_the_last():
    with pytest.raises(RecipeError, match="a layer before the last of the encoder's 1, found 1"):
        pretext(interactions(), layers=1)
