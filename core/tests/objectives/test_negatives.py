"""Sums of excesses and their gradients beside the formula, written with all scores at once."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from losses import assert_equals

from unlabeled.objectives import negatives
from unlabeled.objectives.negatives import both_views, sum_of_excesses

OWN = torch.tensor([[0, 4], [1, 5], [2, 6]])


def tensors(rows=3, keys=7, seed=0):
    draw = torch.Generator().manual_seed(seed)
    shapes = ((rows, 4), (keys, 4), (rows,))
    return [torch.randn(s, generator=draw, dtype=torch.float64).requires_grad_() for s in shapes]


def formula(query, key, positive, temperature, own, groups=None, *, decoupled=False):
    terms = []
    for i in range(len(query)):
        left_out = set(own[i].tolist())
        if groups is not None:
            left_out |= {j for j in range(len(key)) if groups[1][j] == groups[0][i]}
        scores = [query[i] @ key[j] / temperature for j in range(len(key)) if j not in left_out]
        scores += [] if decoupled else [positive[i]]
        if scores:
            terms.append(torch.stack(scores).exp().sum().log() - positive[i])
    return sum(terms)


@pytest.mark.parametrize("decoupled", [False, True])
@pytest.mark.parametrize("chunk", [1, 14, 10**6])
def test_value_and_gradients_are_those_of_the_formula(decoupled, chunk, monkeypatch):
    monkeypatch.setattr(negatives, "CHUNK", chunk)
    assert_equals(
        lambda q, k, p: sum_of_excesses(q, k, p, 0.3, OWN, decoupled=decoupled)[0],
        lambda q, k, p: formula(q, k, p, 0.3, OWN, decoupled=decoupled),
        tensors(),
    )


def test_the_gradient_in_a_learned_temperature_is_that_of_the_formula():
    query, key, positive = tensors()
    temperature = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
    assert_equals(
        lambda q, k, p, t: sum_of_excesses(q, k, p, t, OWN)[0],
        lambda q, k, p, t: formula(q, k, p, t, OWN),
        [query, key, positive, temperature],
    )


def test_queries_that_are_the_keys_get_both_gradients():
    query, _, positive = tensors(rows=6)
    own = torch.arange(6)[:, None]
    temperature = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
    assert_equals(
        lambda q, p, t: sum_of_excesses(q, q, p, t, own)[0],
        lambda q, p, t: formula(q, q, p, t, own),
        [query, positive, temperature],
    )


@settings(max_examples=30)
@given(st.lists(st.integers(0, 2), min_size=3, max_size=3), st.integers(0, 99))
def test_keys_of_the_own_group_are_left_out(ids, seed):
    groups = torch.tensor(ids), torch.tensor([*ids, 9, *ids])
    own = torch.tensor([[0, 4], [1, 5], [2, 6]])
    assert_equals(
        lambda q, k, p: sum_of_excesses(q, k, p, 0.5, own, groups)[0],
        lambda q, k, p: formula(q, k, p, 0.5, own, groups),
        tensors(seed=seed),
    )


def test_a_row_without_negatives_does_not_count_in_a_decoupled_sum():
    query, key, positive = tensors()
    groups = torch.tensor([1, 2, 3]), torch.tensor([1, 1, 1, 1, 1, 1, 1])
    value, counts = sum_of_excesses(query, key, positive, 0.5, OWN, groups, decoupled=True)
    assert counts.tolist() == [False, True, True]
    rest = sum_of_excesses(
        query[1:], key, positive[1:], 0.5, OWN[1:], (groups[0][1:], groups[1]), decoupled=True
    )[0]
    torch.testing.assert_close(value, rest)
    value.backward()
    assert query.grad[0].tolist() == [0.0] * 4
    assert query.grad[1:].abs().sum(dim=1).min() > 0


def test_a_small_excess_keeps_its_digits_in_float32():
    query, key = torch.tensor([[1.0, 0.0]]), torch.tensor([[1.0, 0.0], [-1.0, 0.0]])
    found = sum_of_excesses(query, key, torch.tensor([20.0]), 0.05, torch.tensor([[0]]))[0]
    # log(exp(20) + exp(-20)) - 20 = exp(-40), which a difference of two logarithms would lose.
    assert found.item() == pytest.approx(torch.tensor(-40.0, dtype=torch.float64).exp().item())


def test_both_views_know_their_own_keys_and_groups():
    a, b = torch.zeros(3, 2), torch.ones(3, 2)
    rows, own, groups = both_views(a, b, torch.tensor([5, 6, 5]))
    assert rows[:, 0].tolist() == [0, 0, 0, 1, 1, 1]
    assert own.tolist() == [[0, 3], [1, 4], [2, 5]] * 2
    assert [ids.tolist() for ids in groups] == [[5, 6, 5, 5, 6, 5]] * 2
    assert both_views(a, b, None)[2] is None
