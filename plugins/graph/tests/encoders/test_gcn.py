import torch
from graph_encoders import encoder, graph
from torch_geometric.utils import add_self_loops


def test_gcn_is_the_published_formula():
    model, sample = encoder("gcn", depth=1, norm="none"), graph(5, 7)
    looped, _ = add_self_loops(torch.unique(sample.edge_index, dim=1))
    looped = looped[:, looped[0] != looped[1]]
    adjacency = torch.eye(5, dtype=torch.float64)
    adjacency[looped[1], looped[0]] = 1
    scale = adjacency.sum(1).rsqrt()
    sample.edge_index = looped

    found = model.encode(model.collate([sample]), "nodes").values

    layer = model.body.layers[0]
    expected = (scale[:, None] * adjacency * scale) @ layer.lin(sample.x) + layer.bias
    torch.testing.assert_close(found, expected.relu(), atol=1e-10, rtol=0)
