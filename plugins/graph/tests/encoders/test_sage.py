import torch
from graph_encoders import encoder, graph


def test_sage_is_the_published_formula():
    model, sample = encoder("sage", depth=1, norm="none"), graph(4, 6)
    layer = model.body.layers[0]
    mean = torch.zeros_like(sample.x)
    for node in range(4):
        neighbours = sample.x[sample.edge_index[0][sample.edge_index[1] == node]]
        if len(neighbours):
            mean[node] = neighbours.mean(0)

    found = model.encode(model.collate([sample]), "nodes").values

    torch.testing.assert_close(found, (layer.lin_l(mean) + layer.lin_r(sample.x)).relu())
