import pytest
import torch
from losses import views
from torch.autograd import gradcheck

from unlabeled.objectives.cosine import cosines, unit_rows


def test_gradients_are_those_of_the_values():
    a, b = views(5, 3)
    assert gradcheck(unit_rows, (a,))
    assert gradcheck(unit_rows, (a.detach().view(5, 1, 3).requires_grad_(),))
    assert gradcheck(cosines, (a, b))
    assert gradcheck(lambda x: cosines(x, b.detach()), (a,))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_vector_without_direction_becomes_zeros_and_has_no_gradient(dtype):
    x = torch.tensor([[0.0, 0.0], [3.0, 4.0]], dtype=dtype, requires_grad=True)
    rows = unit_rows(x)
    assert rows.tolist() == [[0.0, 0.0], pytest.approx([0.6, 0.8])]
    rows[0].sum().backward()
    assert torch.equal(x.grad, torch.zeros_like(x))
    other = torch.ones_like(x, requires_grad=True)
    value = cosines(x, other)
    assert value[0].item() == 0
    for gradient in torch.autograd.grad(value[0], (x, other)):
        assert torch.equal(gradient, torch.zeros_like(x))


def test_lengths_far_from_one():
    a, b = (x.detach().float() for x in views(4, 8))
    for scale in (1e-9, 1e9):
        torch.testing.assert_close(cosines(scale * a, b), cosines(a, b))
        torch.testing.assert_close(unit_rows(scale * a), unit_rows(a))
