import math

import pytest
import torch

from unlabeled.contract import Loss
from unlabeled.errors import ShapeError
from unlabeled.objectives.weighted_sum import TermWeight, WeightedSum


def test_fixed_weights_and_names_of_parts():
    terms = WeightedSum({"contrast": TermWeight(), "pixels": TermWeight(weight=10)})
    contrast = Loss(torch.tensor(2.0), {"accuracy": torch.tensor(0.5)})
    loss = terms({"contrast": contrast, "pixels": torch.tensor(0.3)})
    assert loss.total.item() == pytest.approx(5.0)
    parts = {name: value.item() for name, value in loss.parts.items()}
    assert parts == pytest.approx({"contrast": 2.0, "contrast.accuracy": 0.5, "pixels": 0.3})


def test_scheduled_weights_move_linearly_and_survive_a_resume():
    terms = WeightedSum({"a": TermWeight(weight=1.0, final=0.0), "b": TermWeight(weight=2.0)})
    seen = []
    for step in range(5):
        seen.append(terms.weights.tolist())
        terms.after_step(step, 5)
    assert seen == [[1.0, 2.0], [0.75, 2.0], [0.5, 2.0], [0.25, 2.0], [0.0, 2.0]]
    twin = WeightedSum(terms.terms)
    twin.load_state_dict(terms.state_dict())
    assert torch.equal(twin.weights, terms.weights)


def test_learned_weights_find_their_optimum():
    """exp(-u) L + u is smallest at u = log L: each term then weighs 1 / L."""
    terms = WeightedSum({"a": TermWeight(learned=True), "b": TermWeight(weight=3, learned=True)})
    optimiser = torch.optim.Adam(terms.parameters(), lr=0.1)
    for _ in range(300):
        optimiser.zero_grad()
        loss = terms({"a": torch.tensor(0.2), "b": torch.tensor(5.0)})
        loss.total.backward()
        optimiser.step()
    assert loss.parts["a.weight"].item() == pytest.approx(5.0, rel=1e-2)
    assert loss.parts["b.weight"].item() == pytest.approx(0.2, rel=1e-2)
    assert loss.total.item() == pytest.approx(2 + math.log(0.2) + math.log(5.0), abs=1e-3)


def test_a_learned_weight_starts_where_it_is_told():
    terms = WeightedSum({"a": TermWeight(weight=3, learned=True)})
    loss = terms({"a": torch.tensor(0.0)})
    assert loss.parts["a.weight"].item() == pytest.approx(3)


def test_unknown_and_missing_terms_are_refused():
    terms = WeightedSum({"a": TermWeight(), "b": TermWeight()})
    with pytest.raises(ShapeError, match=r"losses: expected the terms \['a', 'b'\], found \['a'\]"):
        terms({"a": torch.tensor(1.0)})


def test_a_weight_is_learned_or_scheduled_not_both():
    with pytest.raises(ValueError, match="a weight that is learned has no schedule"):
        TermWeight(final=0.5, learned=True)
