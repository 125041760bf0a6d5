import math

import pytest
import torch
from losses import assert_equals, assert_precise_in_bf16, assert_processes_equal_one, views

from unlabeled.errors import ShapeError
from unlabeled.objectives.jsd import jsd_loss


def formula(positive, negative):
    """InfoGraph's estimator: E_pos[log 2 - sp(-s)] - E_neg[sp(-s) + s - log 2], negated."""
    terms = [math.log(2) - torch.log(1 + torch.exp(-s)) for s in positive.flatten()]
    others = [torch.log(1 + torch.exp(-s)) + s - math.log(2) for s in negative.flatten()]
    return sum(others) / len(others) - sum(terms) / len(terms)


def test_equals_the_formula():
    positive, negative = views(6, 4)
    assert_equals(jsd_loss, formula, (positive, negative))
    assert_equals(jsd_loss, formula, (positive[:, 0].detach().requires_grad_(), negative))


def test_known_values():
    assert jsd_loss(torch.zeros(3), torch.zeros(5)).item() == pytest.approx(0)
    best = jsd_loss(torch.full((3,), 1e4), torch.full((5,), -1e4))
    assert best.item() == pytest.approx(-2 * math.log(2))


@pytest.mark.parametrize("counts", [(5, 2), (3, 0, 4)])
def test_processes_equal_one_joint_batch(counts):
    assert_processes_equal_one(jsd_loss, views(7, 3), counts)


def test_precise_in_bf16():
    a, b = (100 * view.bfloat16() for view in views(8, 4))
    assert_precise_in_bf16(jsd_loss, (a, b))


def test_nan_is_refused_by_name():
    with pytest.raises(ShapeError, match="negative: expected finite values, found 1 NaN"):
        jsd_loss(torch.zeros(2), torch.tensor([0.0, math.nan]))
