import pytest
import torch
from losses import assert_equals, assert_precise_in_bf16, assert_processes_equal_one, views

from unlabeled.errors import ShapeError
from unlabeled.objectives.latent_regression import latent_regression_loss


def formula(x, y, beta=1.0):
    y = y.detach()
    mean, variance = y.mean(1, keepdim=True), y.var(1, unbiased=False, keepdim=True)
    error = (x - (y - mean) / (variance + 1e-5).sqrt()).abs()
    return torch.where(error < beta, error**2 / (2 * beta), error - beta / 2).mean()


@pytest.mark.parametrize("beta", [0.5, 2.0])
def test_equals_the_formula(beta):
    x, y = views(6, 5)
    assert_equals(
        lambda x, y: latent_regression_loss(x, y, beta=beta),
        lambda x, y: formula(x, y, beta),
        (x, y.detach()),
    )


def test_the_teacher_gets_no_gradient():
    x, y = views(6, 5)
    latent_regression_loss(x, y).backward()
    assert y.grad is None
    assert x.grad is not None


def test_without_normalisation_and_with_weights():
    x, y = (view.detach().view(3, 2, 5) for view in views(6, 5))
    weight = torch.tensor([[1, 0], [0, 1], [0, 0]])
    loss = latent_regression_loss(x, y, weight=weight, distance="l2", normalise_target=False)
    torch.testing.assert_close(loss, (x - y)[weight > 0].square().mean())


@pytest.mark.parametrize("counts", [(5, 2), (3, 0, 4)])
def test_processes_equal_one_joint_batch(counts):
    x, y = views(7, 6)
    assert_processes_equal_one(latent_regression_loss, (x, y.detach()), counts)


def test_precise_in_bf16():
    x, y = views(8, 16)
    assert_precise_in_bf16(latent_regression_loss, (x.bfloat16(), y.bfloat16()))


def test_a_constant_teacher_is_worth_nothing_to_copy():
    constant = torch.full((4, 6), 3.0)
    loss = latent_regression_loss(constant, constant)
    assert loss > 1


def test_bad_input_is_refused_by_name():
    x, y = views(4, 3)
    with pytest.raises(ShapeError, match="target: expected the shape of prediction"):
        latent_regression_loss(x, y[:3])
    with pytest.raises(ShapeError, match="target: expected finite"):
        latent_regression_loss(x, y * torch.nan)
