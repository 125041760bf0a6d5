"""The energy of a cross product, by both ways, with its gradients."""

import pytest
import torch

from unlabeled.objectives.off_diagonal import cross_energy, gram_is_cheaper


@pytest.mark.parametrize(("rows", "width"), [(3, 8), (8, 3)])
@pytest.mark.parametrize("same", [False, True])
def test_value_and_gradients_are_those_of_the_formula(rows, width, same):
    assert gram_is_cheaper(rows, width) == (rows < width)
    a = torch.randn(rows, width, dtype=torch.float64, requires_grad=True)
    b = a if same else torch.randn(rows, width, dtype=torch.float64, requires_grad=True)
    inputs = (a,) if same else (a, b)
    found, expected = cross_energy(a, b, rows), (a.T @ b).square().sum()
    torch.testing.assert_close(found, expected)
    for one, other in zip(
        torch.autograd.grad(3 * found, inputs),
        torch.autograd.grad(3 * expected, inputs),
        strict=True,
    ):
        torch.testing.assert_close(one, other)
