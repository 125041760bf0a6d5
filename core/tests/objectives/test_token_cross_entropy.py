import math

import pytest
import torch
import torch.nn.functional as F
from losses import assert_equals, assert_precise_in_bf16, assert_processes_equal_one, views

from unlabeled.errors import ShapeError
from unlabeled.objectives.token_cross_entropy import token_cross_entropy_loss

TARGET = torch.tensor([3, 0, 0, 2, 1, 3, 2])


def formula(scores):
    terms = [
        row.exp().sum().log() - row[truth]
        for row, truth in zip(scores, TARGET[: len(scores)].tolist(), strict=True)
    ]
    return sum(terms) / len(terms)


def loss(scores, target=None):
    return token_cross_entropy_loss(scores, TARGET[: len(scores)] if target is None else target)


def test_equals_the_formula_and_the_library():
    scores = views(7, 4)[:1]
    assert_equals(loss, formula, scores)
    assert_equals(loss, lambda s: F.cross_entropy(s, TARGET), scores)


def test_known_values():
    assert loss(torch.zeros(5, 11)).item() == pytest.approx(math.log(11))
    assert loss(1e4 * F.one_hot(TARGET, 4).float()).item() == 0


def of_largest(scores, truth):
    """The target as rows, so that it is divided among the processes as the scores are."""
    return token_cross_entropy_loss(scores, truth.detach().argmax(dim=1))


@pytest.mark.parametrize("counts", [(5, 2), (3, 0, 4)])
def test_processes_equal_one_joint_batch(counts):
    truth = F.one_hot(TARGET, 4).double()
    assert_processes_equal_one(of_largest, [views(7, 4)[0], truth], counts)


def test_precise_in_bf16():
    assert_precise_in_bf16(loss, [100 * views(7, 4)[0].bfloat16()])


def test_what_does_not_fit_is_refused_by_name():
    with pytest.raises(ShapeError, match="scores: expected finite values, found 1 NaN"):
        loss(torch.tensor([[0.0, math.nan]]), torch.tensor([0]))
    with pytest.raises(ShapeError, match=r"target: expected the shape of scores without V, \(3,\)"):
        loss(torch.zeros(3, 4), torch.zeros(2, dtype=torch.int64))
