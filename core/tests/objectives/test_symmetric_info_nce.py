"""The sum over rows and columns beside cross-entropies of all scores at once."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from losses import assert_equals, assert_processes_equal_one

from unlabeled.objectives import symmetric_info_nce
from unlabeled.objectives.symmetric_info_nce import LEAST, WARM, contrast_both_ways


def pair(rows, width=4, seed=0):
    draw = torch.Generator().manual_seed(seed)
    drawn = [torch.randn(rows, width, generator=draw, dtype=torch.float64) for _ in range(2)]
    return [F.normalize(x, dim=1).requires_grad_() for x in drawn]


def formula(a, b, temperature, groups=None):
    scores = a @ b.T / temperature
    if groups is not None:
        same = groups[:, None] == groups[None]
        scores = scores.masked_fill(same & ~torch.eye(len(a), dtype=torch.bool), -torch.inf)
    places = torch.arange(len(a))
    return sum(F.cross_entropy(each, places, reduction="sum") for each in (scores, scores.T))


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.integers(0, 3), min_size=2, max_size=9),
    st.sampled_from([WARM / 4, WARM, 0.5]),
    st.integers(0, 99),
)
def test_groups_in_both_forms_equal_the_formula(ids, temperature, seed):
    groups = torch.tensor(ids)
    assert_equals(
        lambda a, b: contrast_both_ways(a, b, temperature, groups),
        lambda a, b: formula(a, b, temperature, groups),
        pair(len(ids), seed=seed),
    )


@pytest.mark.parametrize("temperature", [WARM / 4, 0.2])
def test_groups_where_scores_are_computed_twice_in_chunks(temperature, monkeypatch):
    monkeypatch.setattr(symmetric_info_nce, "HELD", 0)
    monkeypatch.setattr(symmetric_info_nce, "CHUNK", 1)
    groups = torch.arange(2 * LEAST + 3) % 5
    assert_equals(
        lambda a, b: contrast_both_ways(a, b, temperature, groups),
        lambda a, b: formula(a, b, temperature, groups),
        pair(len(groups)),
    )


@pytest.mark.parametrize("value", [WARM / 4, 0.2])
def test_a_learned_temperature_gets_the_gradient_of_the_formula(value):
    temperature = torch.tensor(value, dtype=torch.float64, requires_grad=True)
    assert_equals(contrast_both_ways, formula, [*pair(6), temperature])


def test_a_sample_alone_in_the_world_costs_nothing():
    a, b = pair(4)
    loss = contrast_both_ways(a, b, 0.1, torch.zeros(4, dtype=torch.long))
    assert loss.item() == 0
    assert torch.autograd.grad(loss, a)[0].abs().max() == 0


def cold(a, b, groups):
    return contrast_both_ways(a, b, WARM / 4, groups)


def warm(a, b, groups):
    return contrast_both_ways(a, b, 0.2, groups)


@pytest.mark.parametrize("loss", [cold, warm])
def test_processes_equal_one_joint_batch(loss):
    assert_processes_equal_one(loss, (*pair(5), torch.tensor([0, 1, 0, 2, 3])), (3, 2))
