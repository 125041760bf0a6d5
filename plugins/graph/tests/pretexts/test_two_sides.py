import math

import numpy as np
import pytest
import torch
from user_item_samples import interactions

from unlabeled.errors import RecipeError
from unlabeled.objectives.byol import BYOL, BYOLSettings
from unlabeled.objectives.info_nce import InfoNCE, InfoNCESettings
from unlabeled_graph.bipartite import Bipartite
from unlabeled_graph.pretexts.bpr import Triples
from unlabeled_graph.pretexts.two_sides import contrast, require_no_teacher

TEMPERATURE = 0.3


def objective(width=3):
    return InfoNCE(InfoNCESettings(temperature=TEMPERATURE, projector=()), width)


def triples(user, item):
    other = torch.zeros(len(user), dtype=torch.int64)
    graph = Bipartite.of(interactions())
    return Triples(graph, torch.tensor(user), torch.tensor(item), other)


def info_nce(a, b):
    """-cos(a_i, b_i) / T + log Σ_j exp(cos(a_i, b_j) / T), averaged over i; a, b: (N, D) lists."""

    def cosine(x, y):
        return float(x @ y / (np.linalg.norm(x) * np.linalg.norm(y)))

    return np.mean(
        [
            -cosine(x, y) / TEMPERATURE
            + math.log(sum(math.exp(cosine(x, z) / TEMPERATURE) for z in b))
            for x, y in zip(a, b, strict=True)
        ]
    )


def test_each_user_and_each_item_of_the_step_is_compared_once():
    generator = torch.Generator().manual_seed(0)
    one, other = torch.randn(2, 12, 3, generator=generator, dtype=torch.float64)
    batch = triples([3, 1, 3, 0], [6, 2, 2, 6])
    found = contrast(objective(), one, other, batch, weight=0.7)
    for side, nodes in {"users": [0, 1, 3], "items": [7, 11]}.items():
        a, b = one[nodes].numpy(), other[nodes].numpy()
        wanted = 0.7 * (info_nce(a, b) + info_nce(b, a)) / 2
        assert float(found[side]) == pytest.approx(wanted, abs=1e-10)


def test_equal_vectors_cost_what_the_negatives_cost():
    one = torch.eye(12, dtype=torch.float64)
    found = contrast(objective(12), one, one, triples([0, 1, 2], [0, 1, 2]), weight=1.0)
    wanted = -1 / TEMPERATURE + math.log(math.exp(1 / TEMPERATURE) + 2)
    assert float(found["users"]) == pytest.approx(wanted, abs=1e-10)


def test_objectives_with_a_teacher_are_refused():
    require_no_teacher(objective())
    with pytest.raises(RecipeError, match="BYOL needs a teacher"):
        require_no_teacher(BYOL(BYOLSettings(), 3))
