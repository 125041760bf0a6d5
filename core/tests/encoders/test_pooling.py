"""Means over what is valid, whatever stands elsewhere."""

import math

import torch

from unlabeled.contract import Nodes, Tokens
from unlabeled.encoders.pooling import masked_mean, mean_of_valid, one_per_sample


def test_mean_counts_valid_tokens_only():
    values = torch.tensor([[[1.0], [3.0], [math.nan]]])
    tokens = Tokens(values, torch.tensor([[True, True, False]]), torch.zeros(1, 3, 1))
    assert mean_of_valid(tokens).tolist() == [[2.0]]


def test_tokens_and_nodes_count_only_where_they_are_valid():
    values = torch.randn(2, 3, 4, dtype=torch.float64)
    valid = torch.tensor([[True, True, False], [True, True, True]])
    values[0, 2] = 1e9
    expected = torch.stack([values[0, :2].mean(0), values[1].mean(0)])
    tokens = Tokens(values, valid, torch.zeros(2, 3, 1))
    torch.testing.assert_close(one_per_sample(tokens), expected)
    owner = torch.tensor([0, 0, 1, 1, 1])
    nodes = Nodes(values[valid], owner, torch.arange(5))
    torch.testing.assert_close(one_per_sample(nodes), expected)
    assert one_per_sample(expected) is expected


def test_a_sample_without_valid_tokens_is_zero_and_its_gradient_is_finite():
    values = torch.full((2, 3, 4), math.inf, dtype=torch.float64)
    values[0] = 1.0
    values.requires_grad_()
    found = masked_mean(values, torch.tensor([[True, True, False], [False] * 3]))
    found.sum().backward()
    assert found.tolist() == [[1.0] * 4, [0.0] * 4]
    assert values.grad.isfinite().all()


def test_many_tokens_are_counted_exactly_in_half_precision():
    values = torch.ones(1, 1001, 2, dtype=torch.bfloat16)
    assert masked_mean(values, torch.ones(1, 1001, dtype=torch.bool)).tolist() == [[1.0, 1.0]]
