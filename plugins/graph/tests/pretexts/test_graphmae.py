import copy
import importlib

import numpy as np
import pytest
import torch
from lightning_fabric.plugins import MixedPrecision
from torch_geometric.data import Data

from unlabeled.contract import Encoder
from unlabeled.errors import RecipeError
from unlabeled.randomness import Draw
from unlabeled_graph.encoders.gat import GAT, GATSettings
from unlabeled_graph.encoders.gin import GIN, GINSettings
from unlabeled_graph.pretexts.graphmae import GraphMAE, GraphMAESettings


def graph(size, seed=0, edges=None):
    generator = torch.Generator().manual_seed(100 * seed + size)
    ends = torch.randint(size, (2, edges if edges is not None else size), generator=generator)
    return Data(
        x=torch.rand(size, 4, generator=generator, dtype=torch.float64) + 0.1,
        edge_index=torch.cat([ends, ends.flip(0)], dim=1),
        edge_attr=torch.rand(2 * ends.shape[1], 2, generator=generator, dtype=torch.float64),
    )


def method(encoder=None, **settings):
    torch.manual_seed(0)
    values = {"node_features": 4, "edge_features": 2, "width": 6, "depth": 2, "norm": "none"}
    gin = GIN(GINSettings(**{**values, **(encoder or {})}))
    pretext = GraphMAE(GraphMAESettings(**settings), gin).double()
    with torch.no_grad():
        pretext.token.uniform_()
    return pretext


def batch(pretext, samples, epoch=0):
    return pretext.collate(
        [pretext.example(s, Draw(0, epoch, f"item{n}", 0, "")) for n, s in enumerate(samples)]
    )


def test_the_loss_is_the_published_formula():
    pretext, samples = method(mask_ratio=0.5, gamma=2.0), [graph(5), graph(4)]
    made = batch(pretext, samples)
    graphs, masked = made.graphs, made.masked

    x = graphs.x.clone()
    x[masked] = pretext.token
    codes = pretext.encoder.encode(
        pretext.encoder.collate(
            [Data(x[:5], samples[0].edge_index, samples[0].edge_attr),
             Data(x[5:], samples[1].edge_index, samples[1].edge_attr)]
        ),
        "nodes",
    ).values @ pretext.to_decoder.weight.T  # fmt: skip
    codes = codes.clone()
    codes[masked] = 0
    reconstructed = pretext.decoder(codes, graphs.edge_index, graphs.edge_attr)
    terms = []
    for node in masked.tolist():
        a, b = graphs.x[node], reconstructed[node]
        terms.append((1 - (a @ b) / (a.norm() * b.norm())) ** 2)

    torch.testing.assert_close(pretext(made).total, torch.stack(terms).mean(), atol=1e-10, rtol=0)


@pytest.mark.parametrize(("size", "ratio"), [(10, 0.5), (7, 0.25), (9, 0.75), (1, 0.5), (2, 0.3)])
def test_the_number_of_hidden_nodes_is_exact_and_at_least_one(size, ratio):
    example = method(mask_ratio=ratio).example(graph(size), Draw(0, 0, "a", 0, ""))

    assert len(set(example.masked.tolist())) == max(1, int(ratio * size))


def test_replacing_is_right_on_average_where_it_rounds_to_none():
    """The official code replaces every hidden node when the count rounds to 0."""
    pretext = method(mask_ratio=0.5, replace_ratio=0.05)

    shown = [len(pretext.example(graph(10), Draw(0, e, "a", 0, "")).replaced) for e in range(400)]

    assert set(shown) == {0, 1}
    assert abs(np.mean(shown) - 0.05 * 5) < 0.08


def test_replaced_nodes_show_features_of_the_joint_batch_and_others_the_token():
    pretext = method(mask_ratio=0.6, replace_ratio=0.5)
    made = batch(pretext, [graph(6), graph(8)])

    x = pretext._shown(made)

    replaced, masked = set(made.replaced.tolist()), set(made.masked.tolist())
    assert replaced
    assert replaced < masked
    for node in range(14):
        if node in replaced:
            assert any(torch.equal(x[node], row) for row in made.graphs.x)
        elif node in masked:
            assert torch.equal(x[node], pretext.token[0])
        else:
            assert torch.equal(x[node], made.graphs.x[node])


def test_mixed_precision_borrows_the_features_of_the_same_nodes():
    pretext = method(mask_ratio=0.5, replace_ratio=0.9)
    made = batch(pretext, [graph(n, seed) for n in (40, 50) for seed in range(20)])
    expected = pretext._shown(made)[made.replaced]

    rounded = MixedPrecision("bf16-mixed", "cpu").convert_input(made)
    found = pretext._shown(rounded)[rounded.replaced]

    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found, expected.bfloat16(), rtol=0, atol=0)


def test_a_plan_depends_on_the_item_and_the_epoch_alone():
    pretext = method(replace_ratio=0.3, drop_edges=0.4)

    def plan(epoch, item):
        example = pretext.example(graph(12), Draw(0, epoch, item, 0, ""))
        return [v.tolist() for v in (example.masked, example.donors, example.kept)]

    assert plan(0, "a") == plan(0, "a")
    assert plan(0, "a") != plan(1, "a")
    assert plan(0, "a") != plan(0, "b")


def test_the_encoder_misses_dropped_edges_in_both_directions_and_the_decoder_does_not():
    pretext = method(drop_edges=0.5)
    made = batch(pretext, [graph(9, edges=20)])

    seen = pretext._kept(made)

    edges = set(map(tuple, seen.edge_index.T.tolist()))
    assert 0 < seen.edge_index.shape[1] < 40
    assert edges == {(b, a) for a, b in edges}
    assert made.graphs.edge_index.shape[1] == 40
    torch.testing.assert_close(seen.edge_attr, made.graphs.edge_attr[made.kept])


@pytest.mark.parametrize("fate", ["hidden", "reconstructed"])
def test_edges_at_hidden_nodes_can_be_hidden_too(fate):
    pretext = method(masked_edges=fate)
    made = batch(pretext, [graph(8)])
    hidden = set(made.masked.tolist())

    seen = pretext._kept(made)

    for (a, b), before, after in zip(
        made.graphs.edge_index.T.tolist(), made.graphs.edge_attr, seen.edge_attr, strict=True
    ):
        expected = torch.zeros_like(before) if {a, b} & hidden else before
        assert torch.equal(after, expected)


def test_hidden_features_reach_nothing_but_the_target():
    pretext = method(mask_ratio=0.5)
    made = batch(pretext, [graph(8)])
    before = pretext._shown(made)

    made.graphs.x[made.masked] += 1

    assert torch.equal(pretext._shown(made), before)


def test_features_of_hidden_edges_are_rebuilt_from_both_ends():
    pretext = method(masked_edges="reconstructed", gamma=2.0)
    made = batch(pretext, [graph(6), graph(5)])
    codes = torch.rand(11, 6, dtype=torch.float64)
    hidden, terms = set(made.masked.tolist()), []
    for (a, b), wanted in zip(
        made.graphs.edge_index.T.tolist(), made.graphs.edge_attr, strict=True
    ):
        if {a, b} & hidden:
            told = pretext.edge_decoder(codes[a] + codes[b])
            terms.append((1 - (told @ wanted) / (told.norm() * wanted.norm())) ** 2)

    torch.testing.assert_close(pretext._edge_error(codes, made), torch.stack(terms).mean())


def test_both_errors_are_added_and_logged():
    pretext = method(masked_edges="reconstructed")

    loss = pretext(batch(pretext, [graph(6), graph(5)]))

    assert set(loss.parts) == {"nodes", "edges"}
    torch.testing.assert_close(loss.total, loss.parts["nodes"] + loss.parts["edges"])


def test_edge_features_that_the_encoder_ignores_are_not_rebuilt():
    with pytest.raises(RecipeError, match="masked_edges"):
        method(encoder={"edge_features": None}, masked_edges="reconstructed")


def test_neighbours_are_rebuilt_by_their_mean_one_step_after_the_other():
    pretext = method(target_hops=2)
    graphs = batch(pretext, [graph(7)]).graphs
    step = torch.zeros(7, 7, dtype=torch.float64)
    for a, b in graphs.edge_index.T.tolist():
        step[b, a] += 1
    step /= step.sum(1, keepdim=True).clamp(min=1)

    found = pretext._target(graphs)

    torch.testing.assert_close(found[:, :4], graphs.x)
    torch.testing.assert_close(found[:, 4:8], step @ graphs.x)
    torch.testing.assert_close(found[:, 8:], step @ step @ graphs.x)


def test_what_is_rebuilt_can_be_standardised_over_the_batch():
    pretext = method(standardise=True)
    target = torch.rand(9, 4, dtype=torch.float64)
    hidden, reconstructed = torch.tensor([1, 4]), torch.rand(2, 4, dtype=torch.float64)
    scaled = (target - target.mean(0)) / target.std(0, correction=0)
    cosine = torch.nn.functional.cosine_similarity(reconstructed, scaled[hidden])

    found = pretext._error(reconstructed, target, hidden)

    torch.testing.assert_close(found, (1 - cosine).mean(), atol=1e-4, rtol=0)


@pytest.mark.parametrize("decoder", ["layer", "mlp", "linear"])
def test_only_hidden_nodes_are_rebuilt_and_not_from_their_own_codes(decoder):
    pretext = method(decoder=decoder)
    made = batch(pretext, [graph(8)])
    codes = torch.rand(8, 6, dtype=torch.float64, requires_grad=True)

    reconstructed = pretext._decode(codes, made)
    reconstructed.sum().backward()

    moved = set(codes.grad.abs().sum(1).nonzero().flatten().tolist())
    assert reconstructed.shape == (len(made.masked), 4)
    hidden = set(made.masked.tolist())
    assert moved.isdisjoint(hidden) if decoder == "layer" else moved == hidden


@pytest.mark.parametrize("decoder", ["layer", "mlp", "linear"])
@pytest.mark.parametrize("edges", [0, None])
def test_tiny_graphs_and_graphs_without_edges_train(decoder, edges):
    pretext = method(
        decoder=decoder,
        replace_ratio=0.05,
        drop_edges=0.3,
        masked_edges="reconstructed",
        target_hops=1,
    )

    loss = pretext(batch(pretext, [graph(n, edges=edges) for n in (1, 2, 3)]))
    loss.total.backward()

    assert torch.isfinite(loss.total)
    assert all(0 <= part <= 2 for part in loss.parts.values())


def test_every_weight_learns():
    pretext = method(
        encoder={"norm": "batch", "jump": "all"},
        replace_ratio=0.1,
        masked_edges="reconstructed",
        target_hops=1,
        standardise=True,
    )

    pretext(batch(pretext, [graph(n) for n in range(5, 25)])).total.backward()

    for name, parameter in pretext.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def test_the_order_of_the_items_does_not_matter():
    pretext = method(mask_ratio=0.4)
    examples = [pretext.example(graph(n), Draw(0, 0, f"{n}", 0, "")) for n in (3, 8, 5)]

    a, b = pretext.collate(examples), pretext.collate(examples[::-1])

    torch.testing.assert_close(pretext(a).total, pretext(b).total)


@pytest.mark.parametrize("kind", ["gin", "gcn", "gat", "sage"])
def test_every_encoder_of_the_plugin_can_be_pretrained(kind):
    module = importlib.import_module(f"unlabeled_graph.encoders.{kind}")
    name = "SAGE" if kind == "sage" else kind.upper()
    encoder = getattr(module, name)(
        getattr(module, f"{name}Settings")(node_features=4, width=8, depth=2)
    )
    pretext = GraphMAE(GraphMAESettings(), encoder).double()

    loss = pretext(batch(pretext, [graph(n) for n in range(1, 9)])).total
    loss.backward()

    assert 0 < loss < 2
    assert all(p.grad is not None for p in pretext.parameters())


def test_encoders_of_others_are_refused():
    class Other(Encoder):
        settings_type = GraphMAESettings

        def collate(self, samples): ...
        def _encode(self, batch, output): ...

    with pytest.raises(RecipeError, match="unlabeled-graph"):
        GraphMAE(GraphMAESettings(), Other(GraphMAESettings()))


def test_eps_holds_the_decoder_bias_as_in_the_authors_code():
    """A row that is exactly 0 has a gradient of 1e12; Adam then never moves the bias again where
    that node has words, and goes on learning it elsewhere."""
    torch.manual_seed(0)
    words = (torch.rand(60, 9) < 0.5).float()
    words[:, 8] = 0
    words[0, 8] = 1  # of the one that always has a neighbour that is seen
    star = torch.stack([torch.zeros(59, dtype=torch.long), torch.arange(1, 60)])
    data = Data(words, torch.cat([star, star.flip(0)], dim=1))
    gat = GAT(GATSettings(node_features=9, width=6, heads=2, depth=1, norm="none"))
    biases = {}
    for eps in (None, 1e-12):
        pretext = GraphMAE(GraphMAESettings(eps=eps), copy.deepcopy(gat))
        optimiser = torch.optim.Adam(pretext.parameters(), lr=0.001)
        for step in range(200):
            optimiser.zero_grad()
            pretext(
                pretext.collate([pretext.example(data, Draw(2, step, "star", 0, ""))])
            ).total.backward()
            optimiser.step()
        biases[eps] = pretext.decoder.bias.detach()
    held = torch.full((8,), 0.006)
    torch.testing.assert_close(biases[1e-12][:8], held, atol=2e-4, rtol=0)
    assert abs(biases[1e-12][8] - 0.006) > 0.001
    assert (biases[None] - 0.006).abs().min() > 0.001
