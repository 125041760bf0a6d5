"""Both forms, PyTorch's for few numbers and the one by hand for many, equal the formula."""

import pytest
import torch
from losses import assert_equals, assert_processes_equal_one

from unlabeled.objectives import soft_cross_entropy as module
from unlabeled.objectives.soft_cross_entropy import TINY, cross_view_entropy, soft_cross_entropy


def drawn(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def formula(logits, target, temperature):
    scaled = logits / temperature
    return -(target * (scaled - torch.logsumexp(scaled, dim=1, keepdim=True))).sum(dim=1)


@pytest.fixture(params=[0, TINY], ids=["by hand", "PyTorch's"])
def _form(request, monkeypatch):
    monkeypatch.setattr(module, "TINY", request.param)


@pytest.mark.usefixtures("_form")
@pytest.mark.parametrize("temperature", [0.04, 1.0])
def test_equals_the_formula_for_targets_of_any_mass(temperature):
    target = drawn(5, 7, seed=1).exp()
    weights = torch.arange(1.0, 6, dtype=torch.float64)  # unequal gradients per row
    assert_equals(
        lambda x: (weights * soft_cross_entropy(x, target, temperature)).sum(),
        lambda x: (weights * formula(x, target, temperature)).sum(),
        [drawn(5, 7).requires_grad_()],
    )


@pytest.mark.usefixtures("_form")
def test_the_least_value_is_the_entropy_of_the_target():
    target = torch.softmax(drawn(4, 6), dim=1)
    entropy = -(target * target.log()).sum(dim=1)
    torch.testing.assert_close(soft_cross_entropy(0.1 * target.log(), target, 0.1), entropy)
    assert (soft_cross_entropy(drawn(4, 6, seed=2), target, 0.1) > entropy).all()


def pairs(logits, targets, temperature):
    losses = [
        formula(view, target, temperature).mean()
        for t, target in enumerate(targets)
        for v, view in enumerate(logits)
        if v != t
    ]
    return sum(losses) / len(losses)


@pytest.mark.usefixtures("_form")
@pytest.mark.parametrize("views", [2, 4])
def test_the_mean_over_pairs_leaves_out_a_view_with_its_own_target(views):
    targets = [torch.softmax(drawn(3, 5, seed=9 + n), dim=1) for n in range(2)]
    assert_equals(
        lambda *x: cross_view_entropy(x, targets, 0.2),
        lambda *x: pairs(x, targets, 0.2),
        [drawn(3, 5, seed=n).requires_grad_() for n in range(views)],
    )


def two_views(a, b, first, second):
    return cross_view_entropy([a, b], [first, second], 0.2)


def test_processes_equal_one_joint_batch():
    logits = [drawn(5, 4, seed=n).requires_grad_() for n in range(2)]
    targets = [torch.softmax(drawn(5, 4, seed=n), dim=1) for n in (2, 3)]
    assert_processes_equal_one(two_views, (*logits, *targets), (4, 1))
