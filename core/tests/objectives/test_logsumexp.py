"""Logarithms of sums to the base 2, beside the formula in float64."""

import math

import torch

from unlabeled.objectives.logsumexp import LN_2, LOG2_E, log2_sum


def test_it_is_the_formula():
    x = torch.randn(5, 7, dtype=torch.float64)
    torch.testing.assert_close(log2_sum(x, 1), (2.0**x).sum(1).log2())
    torch.testing.assert_close(log2_sum(x, 0), (2.0**x).sum(0).log2())
    torch.testing.assert_close(log2_sum(x * LOG2_E, 1) * LN_2, torch.logsumexp(x, 1))


def test_large_and_missing_terms():
    x = torch.tensor([[1e4, 1e4], [-math.inf, 3.0], [-math.inf, -math.inf]])
    assert log2_sum(x, 1).tolist() == [10001.0, 3.0, -math.inf]
    assert log2_sum(torch.empty(2, 0), 1).tolist() == [-math.inf, -math.inf]
