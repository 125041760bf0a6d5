import numpy as np
import torch
from torch_geometric.data import Data

from unlabeled_graph.baselines.sgc import smoothed
from unlabeled_graph.evaluators.linear import Linear, published_accuracies, validated_accuracy


def classes(count=60, spread=0.3):
    rng = np.random.default_rng(0)
    target = np.arange(count) % 3
    return np.eye(3)[target] + spread * rng.normal(size=(count, 3)), target


def test_it_learns_classes_and_gives_the_same_each_time():
    x, y = classes()
    probe = Linear(lr=0.1, epochs=100)

    found = [probe.predict(x[:30], y[:30], y[:30], x[30:]) for _ in range(2)]

    assert probe.score(y[30:], found[0]) > 0.9
    assert np.array_equal(*found)


def test_a_step_is_the_gradient_of_the_cross_entropy_with_the_penalty():
    x, y = (torch.from_numpy(each) for each in classes())
    x, probe = x.float(), Linear(epochs=1, weight_decay=0.1, lr=0.01)
    torch.manual_seed(0)
    before = torch.nn.Linear(3, 3)
    chances = before(x).softmax(1) - torch.eye(3)[y]
    gradient = chances.T @ x / len(x) + 0.1 * before.weight

    [after] = probe.epochs_of(x, y, 3)

    torch.testing.assert_close(
        after.weight, before.weight - 0.01 * gradient.sign(), atol=1e-5, rtol=0
    )


def test_the_published_accuracies_are_of_the_last_and_of_the_best_epoch():
    x, y = (torch.from_numpy(each) for each in classes(90, spread=0.8))
    x, parts = x.float(), tuple(torch.arange(s, s + 30) for s in (0, 30, 60))
    probe, trace = Linear(lr=0.5, epochs=40), []
    for layer in probe.epochs_of(x[:30], y[:30], 3):
        right = layer(x).argmax(1) == y
        trace.append((float(right[30:60].float().mean()), float(right[60:].float().mean())))
    best = max(range(40), key=lambda epoch: (trace[epoch][0], epoch))

    assert published_accuracies(probe, x, y, parts) == (trace[-1][1], trace[best][1])


def test_the_leak_free_accuracy_does_not_look_at_test_labels():
    x, y = (torch.from_numpy(each) for each in classes(90))
    masks = tuple((torch.arange(90) // 30) == part for part in range(3))
    other = torch.where(masks[2], (y + 1) % 3, y)

    right, wrong = (validated_accuracy(x, each, masks) for each in (y, other))

    assert right > 0.9
    assert right + wrong <= 1


def test_sgc_is_the_published_formula():
    graph = Data(torch.rand(4, 2, dtype=torch.float64), torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]))
    adjacency = torch.eye(4, dtype=torch.float64)
    adjacency[graph.edge_index[1], graph.edge_index[0]] = 1
    scale = adjacency.sum(1).rsqrt()
    step = scale[:, None] * adjacency * scale

    torch.testing.assert_close(smoothed(graph), step @ step @ graph.x)
