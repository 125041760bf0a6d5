import math

import pytest
import torch
from losses import (
    assert_blind_to_order,
    assert_equals,
    assert_precise_in_bf16,
    assert_processes_equal_one,
    views,
)

from unlabeled.errors import ShapeError
from unlabeled.objectives.patch_info_nce import patch_info_nce_loss


def patches(n=3, length=4, width=5):
    return [
        view.detach().view(n, length, width).requires_grad_() for view in views(n * length, width)
    ]


def formula(c, x, over="targets"):
    total = 0
    for sample_c, sample_x in zip(c, x, strict=True):
        for i in range(len(sample_c)):
            right = torch.exp(sample_c[i] @ sample_x[i])
            if over == "targets":
                others = sum(torch.exp(sample_c[i] @ other) for other in sample_x)
            else:
                others = sum(torch.exp(other @ sample_x[i]) for other in sample_c)
            total = total - torch.log(right / others)
    return total / (c.shape[0] * c.shape[1])


@pytest.mark.parametrize("over", ["targets", "predictions"])
def test_equals_the_formula(over):
    assert_equals(
        lambda c, x: patch_info_nce_loss(c, x, softmax_over=over),
        lambda c, x: formula(c, x, over),
        patches(),
    )


@pytest.mark.parametrize("over", ["targets", "predictions"])
def test_known_values(over):
    x = patches()[1]
    same = torch.zeros(3, 4, 5)
    loss = patch_info_nce_loss(x[:, :1], x[:, :1], softmax_over=over)
    assert loss.total.item() == 0
    collapsed = patch_info_nce_loss(same, torch.ones(3, 4, 5), softmax_over=over)
    assert collapsed.total.item() == pytest.approx(math.log(4))
    perfect = patch_info_nce_loss(100 * torch.eye(4)[None], torch.eye(4)[None], softmax_over=over)
    assert perfect.total.item() == pytest.approx(0, abs=1e-6)
    assert perfect.parts["accuracy"].item() == 1


def test_padding_changes_nothing():
    c, x = (each.detach() for each in patches())
    valid = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0], [0, 0, 0, 0]], dtype=torch.bool)
    both = [patch_info_nce_loss(c[n : n + 1, :k], x[n : n + 1, :k]) for n, k in ((0, 4), (1, 2))]
    expected = (4 * both[0].total + 2 * both[1].total) / 6
    padded = c.where(valid[..., None], torch.nan).requires_grad_()
    loss = patch_info_nce_loss(padded, x.where(valid[..., None], torch.nan), valid=valid)
    torch.testing.assert_close(loss.total, expected)
    accuracy = (4 * both[0].parts["accuracy"] + 2 * both[1].parts["accuracy"]) / 6
    torch.testing.assert_close(loss.parts["accuracy"], accuracy)
    loss.total.backward()
    assert torch.isfinite(padded.grad).all()
    assert (padded.grad[~valid] == 0).all()


def with_padding(c, x, valid):
    return patch_info_nce_loss(c, x, valid=valid > 0)


@pytest.mark.parametrize("counts", [(2, 1), (1, 0, 2)])
def test_processes_equal_one_joint_batch(counts):
    c, x = patches()
    valid = torch.tensor([[1.0, 1, 1, 1], [1, 1, 0, 0], [1, 0, 1, 1]])
    assert_processes_equal_one(with_padding, (c, x, valid), counts)


def test_blind_to_order():
    assert_blind_to_order(patch_info_nce_loss, patches())


def test_precise_in_bf16():
    c, x = patches(width=64)
    assert_precise_in_bf16(patch_info_nce_loss, (10 * c.bfloat16(), x.bfloat16()))
    assert_precise_in_bf16(patch_info_nce_loss, (c[:, :, :1].bfloat16(), x[:, :, :1].bfloat16()))
    assert_precise_in_bf16(patch_info_nce_loss, (0 * c.bfloat16(), x.bfloat16()))


def test_bad_input_is_refused_by_name():
    c, x = patches()
    with pytest.raises(ShapeError, match=r"prediction: expected shape \(N, L, P\)"):
        patch_info_nce_loss(c[0], x[0])
    with pytest.raises(ShapeError, match="target: expected the shape of prediction"):
        patch_info_nce_loss(c, x[:, :2])
    with pytest.raises(ShapeError, match=r"valid: expected the shape of the patches, \(3, 4\)"):
        patch_info_nce_loss(c, x, valid=torch.ones(3, 5, dtype=torch.bool))
    with pytest.raises(ShapeError, match="target: expected finite"):
        patch_info_nce_loss(c, x / 0)
