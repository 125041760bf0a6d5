import math

import pytest
import torch
import torch.nn.functional as F
from losses import assert_equals, assert_precise_in_bf16, assert_processes_equal_one, views

from unlabeled.errors import ShapeError
from unlabeled.objectives.bce import bce_loss


def formula(positive, negative):
    terms = [-torch.log(torch.sigmoid(s)) for s in positive.flatten()]
    terms += [-torch.log(1 - torch.sigmoid(s)) for s in negative.flatten()]
    return sum(terms) / len(terms)


def library(positive, negative):
    scores = torch.cat([positive.flatten(), negative.flatten()])
    labels = torch.cat([torch.ones(positive.numel()), torch.zeros(negative.numel())])
    return F.binary_cross_entropy_with_logits(scores, labels.to(scores.dtype))


def test_equals_the_formula_and_the_library():
    positive, negative = views(6, 4)
    uneven = positive[:, 0].detach().requires_grad_()
    for pair in ((positive, negative), (uneven, negative)):
        assert_equals(bce_loss, formula, pair)
        assert_equals(bce_loss, library, pair)


def test_known_values():
    assert bce_loss(torch.zeros(3), torch.zeros(5)).item() == pytest.approx(math.log(2))
    assert bce_loss(torch.full((3,), 1e4), torch.full((5,), -1e4)).item() == 0


@pytest.mark.parametrize("counts", [(5, 2), (3, 0, 4)])
def test_processes_equal_one_joint_batch(counts):
    assert_processes_equal_one(bce_loss, views(7, 3), counts)


def test_precise_in_bf16():
    a, b = (100 * view.bfloat16() for view in views(8, 4))
    assert_precise_in_bf16(bce_loss, (a, b))


def test_nan_is_refused_by_name():
    with pytest.raises(ShapeError, match="positive: expected finite values, found 1 NaN"):
        bce_loss(torch.tensor([0.0, math.nan]), torch.zeros(2))
