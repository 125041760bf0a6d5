"""Losses near their minimum keep their digits in float32, and are not negative where the formula
cannot be."""

import pytest
import torch
from losses import total

from unlabeled.objectives.barlow_twins import barlow_twins_loss
from unlabeled.objectives.byol import byol_loss
from unlabeled.objectives.dcl import dcl_loss
from unlabeled.objectives.info_nce import info_nce_loss
from unlabeled.objectives.nt_xent import nt_xent_loss
from unlabeled.objectives.simsiam import simsiam_loss
from unlabeled.objectives.soft_cross_entropy import TINY, soft_cross_entropy
from unlabeled.objectives.vicreg import vicreg_loss

GENERATOR = torch.Generator().manual_seed(0)


def queued(a, b, temperature):
    return info_nce_loss(
        [a, b], temperature=temperature, queue=torch.eye(24, 24).to(a)[None, 16:].expand(2, -1, -1)
    )


CONTRASTS = {
    "nt_xent": nt_xent_loss,
    "info_nce": lambda a, b, temperature: info_nce_loss([a, b], temperature=temperature),
    "info_nce with a queue": queued,
}


def apart():
    """Two views that agree almost, of samples that have nothing in common."""
    rows = torch.eye(16, 24) * 3
    return rows, rows + 1e-3 * torch.randn(16, 24, generator=GENERATOR)


@pytest.mark.parametrize("name", CONTRASTS)
@pytest.mark.parametrize("temperature", [0.005, 0.02, 0.03, 0.04, 0.05, 0.1])
def test_a_small_contrast_and_its_gradient_are_those_of_float64(name, temperature):
    found, views = {}, apart()
    for dtype in (torch.float32, torch.float64):
        a, b = (x.detach().to(dtype).requires_grad_() for x in views)
        value = total(CONTRASTS[name](a, b, temperature=temperature))
        found[dtype] = value.detach().double(), torch.autograd.grad(value, a)[0].double()
    (value, gradient), (expected, wanted) = found.values()
    assert value >= 0
    # Below 1e-37 a float32 is 0.
    torch.testing.assert_close(value, expected, rtol=1e-4, atol=1e-37)
    assert (gradient - wanted).norm() <= 1e-3 * wanted.norm() + 1e-37


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("temperature", [0.005, 0.05, 0.5])
def test_equal_views_cost_nothing_negative(seed, temperature):
    a = torch.randn(33, 40, generator=torch.Generator().manual_seed(seed)) * 10 ** (seed % 4)
    for contrast in CONTRASTS.values():
        if contrast is not queued:
            assert total(contrast(a, a, temperature=temperature)) >= 0
    assert byol_loss(a, a) >= 0
    assert simsiam_loss(a, a) >= -1
    assert barlow_twins_loss(a[:, :1], a[:, :1]).parts["off_diagonal"] >= 0
    assert vicreg_loss(a[:, :1], a[:, :1]).parts["covariance"] >= 0


def test_a_decoupled_contrast_is_that_of_float64_row_by_row():
    a, b = (torch.randn(512, 32, generator=GENERATOR) for _ in range(2))
    found = dcl_loss(a, a + 0.01 * b, temperature=0.005)
    expected = dcl_loss(a.double(), a.double() + 0.01 * b.double(), temperature=0.005)
    torch.testing.assert_close(found.double(), expected, rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize("rows", [4, 2 * TINY // 1024])
def test_a_sure_and_right_prediction_costs_nothing_negative(rows):
    """With PyTorch's own function, and with ours."""
    logits = torch.randn(rows, 1024, generator=GENERATOR)
    target = torch.nn.functional.one_hot(logits.argmax(1), 1024).float()
    assert soft_cross_entropy(logits, target, 0.0005).min() >= 0
