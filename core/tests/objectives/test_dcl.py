import math

import pytest
import torch
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
from unlabeled.objectives.dcl import DCL, dcl_loss, von_mises_fisher_weights
from unlabeled.objectives.nt_xent import nt_xent_loss


def formula(a, b, temperature=0.1, sigma=None):
    n = len(a)
    z = torch.cat([a, b])
    z = z / z.norm(dim=1, keepdim=True)
    positives = [z[i] @ z[(i + n) % (2 * n)] for i in range(2 * n)]
    losses = []
    for i in range(2 * n):
        weight = 1.0
        if sigma:
            mean = sum(math.exp(s.item() / sigma) for s in positives) / (2 * n)
            weight = 2 - math.exp(positives[i].item() / sigma) / mean
        negatives = sum(
            torch.exp(z[i] @ z[j] / temperature) for j in range(2 * n) if j % n != i % n
        )
        losses.append(-weight * positives[i] / temperature + torch.log(negatives))
    return sum(losses) / len(losses)


def dclw(a, b):
    return dcl_loss(a, b, sigma=0.5)


@pytest.mark.parametrize("sigma", [None, 0.5])
@pytest.mark.parametrize("temperature", [0.05, 0.5])
def test_equals_the_formula(temperature, sigma):
    assert_equals(
        lambda a, b: dcl_loss(a, b, temperature=temperature, sigma=sigma),
        lambda a, b: formula(a, b, temperature, sigma),
        views(6, 4),
    )


@pytest.mark.filterwarnings("ignore:To copy construct:UserWarning")
def test_equals_lightly():
    lightly = pytest.importorskip("lightly.loss")
    assert_equals(dcl_loss, lightly.DCLLoss(temperature=0.1), views(32, 16), tolerance=1e-9)
    assert_equals(dclw, lightly.DCLWLoss(temperature=0.1), views(32, 16), tolerance=1e-9)


def test_differs_from_nt_xent_by_the_positive_in_the_denominator():
    a, b = (x.detach() for x in views(2, 4))
    z = torch.nn.functional.normalize(torch.cat([a, b]), dim=1)
    scores = z @ z.T / 0.1
    gap = 0
    for i in range(4):
        negatives = torch.logsumexp(scores[i][[j for j in range(4) if j % 2 != i % 2]], 0)
        gap += torch.log1p(torch.exp(scores[i, (i + 2) % 4] - negatives)) / 4
    torch.testing.assert_close(nt_xent_loss(a, b) - dcl_loss(a, b), gap)


def test_weights_have_mean_one_at_any_width():
    cosines = torch.linspace(-1, 1, 9)
    for sigma in (0.001, 0.5, 100.0):
        weights = von_mises_fisher_weights(cosines, sigma)
        assert weights.mean().item() == pytest.approx(1, abs=1e-5)
        assert (weights.diff() <= 0).all()


@pytest.mark.parametrize("counts", [(5, 2), (1, 1), (3, 0, 4)])
@pytest.mark.parametrize("loss", [dcl_loss, dclw])
def test_processes_equal_one_joint_batch(counts, loss):
    assert_processes_equal_one(loss, views(sum(counts), 5), counts)


def test_an_anchor_without_negatives_does_not_count():
    a, b = views(4, 3)
    loss = dcl_loss(a, b, groups=torch.zeros(4, dtype=torch.long))
    loss.backward()
    assert loss.item() == 0
    assert torch.equal(a.grad, torch.zeros_like(a))


@pytest.mark.parametrize("loss", [dcl_loss, dclw])
def test_symmetric_and_blind_to_order(loss):
    a, b = views(8, 4)
    assert_blind_to_order(loss, (a, b))
    torch.testing.assert_close(loss(b, a), loss(a, b))


@pytest.mark.parametrize("loss", [dcl_loss, dclw])
def test_collapse_is_not_the_optimum(loss):
    collapsed = loss(torch.ones(8, 4), torch.ones(8, 4))
    assert collapsed.item() == pytest.approx(math.log(14), abs=1e-5)
    assert loss(torch.eye(8), torch.eye(8)) < 0


@pytest.mark.parametrize("case", EXTREMES)
@pytest.mark.parametrize("temperature", [0.005, 0.1])
@pytest.mark.parametrize("sigma", [None, 0.5])
def test_precise_in_bf16(case, temperature, sigma):
    assert_precise_in_bf16(
        lambda a, b: dcl_loss(a, b, temperature=temperature, sigma=sigma), extreme(case)
    )


def test_a_cold_temperature_leaks_no_self_similarity():
    """A mask of a large constant instead of -inf would give -138.6 for such inputs."""
    a = torch.eye(2, dtype=torch.float64)
    expected = -1 / 0.005 + math.log(2)
    assert dcl_loss(a, a, temperature=0.005).item() == pytest.approx(expected)


def test_bad_input_is_refused_by_name():
    a, b = views(4, 3)
    with pytest.raises(
        ShapeError, match="a: expected a joint batch of at least 2 samples, found 1"
    ):
        dcl_loss(a[:1], b[:1])
    with pytest.raises(ShapeError, match="temperature: expected a number above 0, found -1"):
        dcl_loss(a, b, temperature=-1)
    with pytest.raises(ShapeError, match="sigma: expected a number above 0, found 0"):
        dcl_loss(a, b, sigma=0)


def test_the_objective_projects_both_views():
    objective = DCL(DCL.settings_type(projector=(16, 8), sigma=0.5), width=5).eval()
    a, b = (view.float() for view in views(6, 5))
    expected = dcl_loss(objective.projector(a), objective.projector(b), sigma=0.5)
    torch.testing.assert_close(objective([a, b]).total, expected)
