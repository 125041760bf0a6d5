"""A backward pass written by hand gives a first derivative and refuses a second one."""

import pytest
import torch
from torch.autograd import Function

from unlabeled.derivatives import once_only


class Double(Function):
    @staticmethod
    def forward(ctx, x):
        return 2 * x

    @staticmethod
    @once_only
    def backward(ctx, gradient):
        return 2 * gradient


def test_the_first_derivative():
    x = torch.ones(3, requires_grad=True)
    (found,) = torch.autograd.grad(Double.apply(x).sum(), x)
    assert found.tolist() == [2.0, 2.0, 2.0]


def test_a_second_one_is_refused_where_the_gradient_is_constant_too():
    x = torch.ones(3, requires_grad=True)
    (first,) = torch.autograd.grad(Double.apply(x).mean(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="expected first derivatives only"):
        first.sum().backward()
