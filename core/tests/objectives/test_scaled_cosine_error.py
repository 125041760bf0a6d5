import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from losses import (
    EXTREMES,
    assert_blind_to_order,
    assert_equals,
    assert_precise_in_bf16,
    assert_processes_equal_one,
    extreme,
    views,
)

from unlabeled.errors import ShapeError
from unlabeled.objectives.scaled_cosine_error import scaled_cosine_error_loss


def formula(x, y, gamma=3.0):
    errors = [(1 - a @ b / (a.norm() * b.norm())) ** gamma for a, b in zip(x, y, strict=True)]
    return sum(errors) / len(errors)


@pytest.mark.parametrize("gamma", [1.0, 2.0, 2.5, 3.0])
def test_equals_the_formula(gamma):
    assert_equals(
        lambda x, y: scaled_cosine_error_loss(x, y, gamma=gamma),
        lambda x, y: formula(x, y, gamma),
        views(7, 5),
    )


@given(scale=st.floats(1e-6, 1e6), gamma=st.sampled_from([1.0, 2.0, 3.0]))
def test_known_values(scale, gamma):
    x = views(5, 3)[0].detach()
    assert scaled_cosine_error_loss(x, scale * x, gamma=gamma) == pytest.approx(0, abs=1e-12)
    opposite = scaled_cosine_error_loss(x, -scale * x, gamma=gamma)
    assert opposite.item() == pytest.approx(2**gamma)


def test_a_row_of_zeros_costs_one_and_has_no_gradient():
    x, y = torch.zeros(2, 3, requires_grad=True), torch.ones(2, 3)
    loss = scaled_cosine_error_loss(x, y)
    loss.backward()
    assert loss.item() == 1
    assert torch.equal(x.grad, torch.zeros(2, 3))
    assert scaled_cosine_error_loss(y, torch.zeros(2, 3)).item() == 1


def test_with_eps_a_row_of_zeros_is_driven_towards_its_target():
    x, y = torch.zeros(1, 3, requires_grad=True), torch.tensor([[3.0, 0, 4]])
    loss = scaled_cosine_error_loss(x, y, gamma=2.0, eps=1e-12)
    loss.backward()
    assert loss.item() == 1
    torch.testing.assert_close(x.grad, -2e12 * y / 5)
    a, b = views(7, 5)
    assert_equals(lambda x, y: scaled_cosine_error_loss(x, y, eps=1e-12), formula, [a, b])


@pytest.mark.parametrize("counts", [(5, 2), (3, 0, 4)])
def test_processes_equal_one_joint_batch(counts):
    assert_processes_equal_one(scaled_cosine_error_loss, views(7, 5), counts)


def test_weights_count_rows():
    x, y = views(6, 4)
    weight = torch.tensor([1.0, 0, 1, 0, 0, 1])
    expected = scaled_cosine_error_loss(x[weight > 0], y[weight > 0])
    torch.testing.assert_close(scaled_cosine_error_loss(x, y, weight=weight), expected)


def test_blind_to_order():
    assert_blind_to_order(scaled_cosine_error_loss, views(7, 5))


@pytest.mark.parametrize("case", EXTREMES)
def test_precise_in_bf16(case):
    assert_precise_in_bf16(scaled_cosine_error_loss, extreme(case))


def test_bad_input_is_refused_by_name():
    x, y = views(4, 3)
    with pytest.raises(ShapeError, match=r"target: expected the shape of prediction, \(4, 3\)"):
        scaled_cosine_error_loss(x, y[:, :2])
    with pytest.raises(ShapeError, match="prediction: expected finite values, found 12 NaN"):
        scaled_cosine_error_loss(x * torch.nan, y)
