"""DGI, InfoGraph, MaskGAE, GraphMAE2 and CCA-SSG against their formulas, written out."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch_geometric.data import Data
from torch_geometric.nn import DeepGraphInfomax

from unlabeled.errors import RecipeError, ShapeError
from unlabeled.randomness import Draw
from unlabeled.teachers import TeacherSettings
from unlabeled_graph.encoders.gcn import GCN, GCNSettings
from unlabeled_graph.encoders.gin import GIN, GINSettings
from unlabeled_graph.objectives.cca_ssg import cca_ssg_loss
from unlabeled_graph.pretexts.dgi import DGI, DGISettings
from unlabeled_graph.pretexts.graphmae2 import GraphMAE2, GraphMAE2Settings
from unlabeled_graph.pretexts.infograph import InfoGraph, InfoGraphSettings
from unlabeled_graph.pretexts.maskgae import MaskGAE, MaskGAESettings

METHODS = {
    DGI: DGISettings(),
    InfoGraph: InfoGraphSettings(),
    MaskGAE: MaskGAESettings(mask_ratio=0.5, degree=0.1),
    GraphMAE2: GraphMAE2Settings(latent=0.5),
}


def graph(size, edges=None):
    generator = torch.Generator().manual_seed(size)
    ends = torch.randint(size, (2, size if edges is None else edges), generator=generator)
    x = torch.rand(size, 4, generator=generator, dtype=torch.float64) + 0.1
    return Data(x, torch.cat([ends, ends.flip(0)], dim=1))


def method(kind, settings=None, encoder=None):
    torch.manual_seed(0)
    values = {"node_features": 4, "width": 6, "depth": 2, "norm": "none", **(encoder or {})}
    return kind(settings or METHODS[kind], GIN(GINSettings(**values))).double()


def batch(pretext, samples, epoch=0):
    return pretext.collate(
        [pretext.example(s, Draw(0, epoch, f"item{n}", 0, "")) for n, s in enumerate(samples)]
    )


def nodes(pretext, x, edge_index):
    return pretext.encoder.encode(pretext.encoder.collate([Data(x, edge_index)]), "nodes").values


def test_dgi_is_the_formula_and_that_of_pyg():
    pretext, sample = method(DGI), graph(7)
    made = batch(pretext, [sample])
    true = nodes(pretext, sample.x, sample.edge_index)
    false = nodes(pretext, sample.x[made.order], sample.edge_index)
    summary = torch.sigmoid(true.mean(0))
    theirs = DeepGraphInfomax(6, None, None, None).double()
    theirs.weight.data = pretext.critic.weight.data

    scores = [each @ pretext.critic.weight @ summary for each in (true, false)]
    expected = (F.softplus(-scores[0]).mean() + F.softplus(scores[1]).mean()) / 2

    torch.testing.assert_close(pretext(made).total, expected)
    torch.testing.assert_close(theirs.loss(true, false, summary) / 2, expected)


def test_dgi_shuffles_within_each_graph():
    made = batch(method(DGI), [graph(5), graph(8)])

    assert sorted(made.order[:5].tolist()) == list(range(5))
    assert sorted(made.order[5:].tolist()) == list(range(5, 13))
    assert made.order.tolist() != list(range(13))


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


def test_graphmae2_is_the_formula():
    pretext, sample = method(GraphMAE2), graph(8)
    made = batch(pretext, [sample])
    masked = made.graphs.masked
    visible = [node for node in range(8) if node not in masked.tolist()]
    x = sample.x.clone()
    x[masked] = pretext.token.detach()
    codes = nodes(pretext, x, sample.edge_index)

    def error(a, b, power):
        return (1 - F.cosine_similarity(a, b)).pow(power).mean()

    expected = 0.0
    for hidden in made.remasked:
        mapped = pretext.to_decoder(codes).clone()
        mapped[hidden] = pretext.decoder_token.detach()
        reconstructed = pretext.decoder(mapped, sample.edge_index)
        expected += error(reconstructed[masked], sample.x[masked], 3)
    target = pretext.projector(nodes(pretext, sample.x, sample.edge_index))[visible]
    predicted = pretext.predictor(pretext.projector(codes))[visible]
    expected += 0.5 * error(predicted, target, 1)

    torch.testing.assert_close(pretext(made).total, expected)
    assert made.remasked.sum(1).tolist() == [4, 4, 4]


@pytest.mark.parametrize(("momentum", "moves"), [(1.0, 0.0), (0.0, 1.0), (0.75, 0.25)])
def test_the_teacher_of_graphmae2_follows_by_its_momentum(momentum, moves):
    teacher = TeacherSettings(momentum=momentum, final_momentum=momentum)
    pretext = method(GraphMAE2, GraphMAE2Settings(teacher=teacher))
    before = [p.clone() for p in pretext.teacher.encoder.parameters()]
    with torch.no_grad():
        for parameter in pretext.encoder.parameters():
            parameter += 1

    pretext.after_step(0, 10)

    for old, new in zip(before, pretext.teacher.encoder.parameters(), strict=True):
        torch.testing.assert_close(new, old + moves)


def test_cca_ssg_is_the_formula_and_survives_a_dead_column():
    a, b = torch.randn(2, 9, 4, dtype=torch.float64)
    views = [(z - z.mean(0)) / (z.var(0, correction=0) + 1e-5).sqrt() for z in (a, b)]
    apart = sum((torch.eye(4, dtype=torch.float64) - z.T @ z / 9).square().sum() for z in views)
    expected = -(views[0] * views[1]).sum() / 9 + 0.01 * apart

    torch.testing.assert_close(cca_ssg_loss(a, b, decorrelation=0.01).total, expected)
    a[:, 0] = 3.0
    a.requires_grad_()
    cca_ssg_loss(a, b).total.backward()
    assert torch.isfinite(a.grad).all()


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


def test_gcn_takes_part_too():
    encoder = GCN(GCNSettings(node_features=4, width=6, depth=1, norm="none")).double()
    pretext = DGI(DGISettings(), encoder).double()

    assert torch.isfinite(pretext(batch(pretext, [graph(5)])).total)
