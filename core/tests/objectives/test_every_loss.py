"""What holds for every loss, over all of them, so that none can be forgotten."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from losses import (
    EXTREMES,
    assert_blind_to_order,
    assert_precise_in_bf16,
    assert_processes_equal_one,
    extreme,
    total,
    views,
)
from processes import run_on

import unlabeled.objectives
from unlabeled.distributed import all_reduce_sum
from unlabeled.errors import ShapeError
from unlabeled.objectives.barlow_twins import barlow_twins_loss
from unlabeled.objectives.bce import bce_loss
from unlabeled.objectives.byol import byol_loss
from unlabeled.objectives.checks import require_joint_batch
from unlabeled.objectives.dcl import dcl_loss
from unlabeled.objectives.dino import dino_loss
from unlabeled.objectives.directpred import predictor_from_correlation
from unlabeled.objectives.ibot import ibot_loss
from unlabeled.objectives.info_nce import info_nce_loss
from unlabeled.objectives.jsd import jsd_loss
from unlabeled.objectives.latent_regression import latent_regression_loss
from unlabeled.objectives.masked_regression import masked_regression_loss
from unlabeled.objectives.mixed_barlow_twins import mixed_barlow_twins_loss
from unlabeled.objectives.negatives import sample_ids
from unlabeled.objectives.nt_xent import nt_xent_loss
from unlabeled.objectives.patch_info_nce import patch_info_nce_loss
from unlabeled.objectives.scaled_cosine_error import scaled_cosine_error_loss
from unlabeled.objectives.simsiam import simsiam_loss
from unlabeled.objectives.ssl_ey import ssl_ey_loss
from unlabeled.objectives.swav import swav_loss
from unlabeled.objectives.token_cross_entropy import token_cross_entropy_loss
from unlabeled.objectives.vicreg import vicreg_loss

COLD = 0.005


def directpred(a, b):
    wide = torch.nan_to_num(a.detach().to(torch.promote_types(a.dtype, torch.float32)))
    predictor = predictor_from_correlation(all_reduce_sum(wide.T @ wide), 0.01)
    return byol_loss(a.to(wide.dtype) @ predictor, b.to(wide.dtype))


def mixed(a, b):
    last = require_joint_batch(a, "a", at_least=1) - 1
    both = torch.cat([a, b], dim=1)
    mix, partner = both[:, ::2][:, : a.shape[1]], last - sample_ids(a)
    return mixed_barlow_twins_loss(a, b, mix, share=torch.tensor(0.3), partner=partner)


def dino(a, b, **options):
    teacher = [a.detach(), b.detach()]
    return dino_loss([a, b], teacher, center=torch.zeros(a.shape[1]), **options)


def ibot(a, b, **options):
    owner, center = torch.arange(len(a)) // 2, torch.zeros(a.shape[1])
    return ibot_loss(a, b, owner=owner, center=center, **options)


@dataclass(frozen=True)
class Case:
    """loss: of two (N, D) tensors; cold: the same with a temperature of COLD.

    target: the second tensor gets no gradient; symmetric: under exchange of the two; prevents:
    collapse is not the optimum, as the docstring claims; smallest: joint batch, 1 is any.
    """

    loss: Callable
    cold: Callable | None = None
    target: bool = False
    symmetric: bool = False
    prevents: bool = False
    smallest: int = 1


CASES = {
    "nt_xent": Case(
        nt_xent_loss, lambda a, b: nt_xent_loss(a, b, temperature=COLD), False, True, True, 2
    ),
    "dcl": Case(dcl_loss, lambda a, b: dcl_loss(a, b, temperature=COLD), False, True, True, 2),
    "dclw": Case(
        lambda a, b: dcl_loss(a, b, sigma=0.5),
        lambda a, b: dcl_loss(a, b, sigma=0.5, temperature=COLD),
        False,
        True,
        True,
        2,
    ),
    "info_nce": Case(
        lambda a, b: info_nce_loss([a, b]),
        lambda a, b: info_nce_loss([a, b], temperature=COLD),
        False,
        True,
        True,
        2,
    ),
    "barlow_twins": Case(barlow_twins_loss, None, False, True, True, 2),
    "mixed_barlow_twins": Case(mixed, None, False, False, True, 2),
    "vicreg": Case(vicreg_loss, None, False, True, True, 2),
    "ssl_ey": Case(lambda a, b: ssl_ey_loss([a, b]), None, False, True, True, 2),
    "swav": Case(
        lambda a, b: swav_loss([a, b]),
        lambda a, b: swav_loss([a, b], temperature=COLD, epsilon=COLD),
        False,
        True,
        True,
        2,
    ),
    "dino": Case(
        dino,
        lambda a, b: dino(a, b, teacher_temperature=COLD, student_temperature=COLD),
        False,
        True,
    ),
    "ibot": Case(
        ibot, lambda a, b: ibot(a, b, teacher_temperature=COLD, student_temperature=COLD), True
    ),
    "byol": Case(byol_loss, target=True),
    "simsiam": Case(simsiam_loss, target=True),
    "directpred": Case(directpred, target=True),
    "masked_regression": Case(masked_regression_loss, symmetric=True),
    "latent_regression": Case(latent_regression_loss, target=True),
    "scaled_cosine_error": Case(scaled_cosine_error_loss, symmetric=True),
    "patch_info_nce": Case(
        lambda a, b: patch_info_nce_loss(a.unsqueeze(2), b.unsqueeze(2)), prevents=True
    ),
    "jsd": Case(jsd_loss),
    "bce": Case(bce_loss),
    "token_cross_entropy": Case(
        lambda scores, b: token_cross_entropy_loss(scores, b.argmax(dim=1)), target=True
    ),
}
every = pytest.mark.parametrize("name", CASES)


def inputs(name, n, d):
    a, b = views(n, d)
    return (a, b.detach()) if CASES[name].target else (a, b)


def named(a, b, name):
    return CASES[name].loss(a, b)


def test_no_loss_is_forgotten():
    folder = Path(unlabeled.objectives.__file__).parent
    written = {p.stem for p in folder.glob("*.py") if f"\ndef {p.stem}_loss(" in p.read_text()}
    assert written - {"weighted_sum"} <= set(CASES)


@every
@pytest.mark.parametrize("counts", [(5, 2), (4, 1, 3)])
def test_processes_equal_one_joint_batch(name, counts):
    counts = (4, 2) if name == "ibot" and len(counts) == 2 else counts
    counts = (4, 2, 2) if name == "ibot" and len(counts) == 3 else counts
    assert_processes_equal_one(named, inputs(name, sum(counts), 4), counts, name=name)


@every
@pytest.mark.parametrize("case", EXTREMES)
def test_precise_in_bf16(name, case):
    assert_precise_in_bf16(CASES[name].loss, extreme(case))


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.cold])
@pytest.mark.parametrize("case", EXTREMES)
def test_precise_in_bf16_when_cold(name, case):
    assert_precise_in_bf16(CASES[name].cold, extreme(case))


def lone(rank):
    """Every loss of one bf16 sample per process: value, and whether the gradient is finite."""
    found = {}
    for name, case in CASES.items():
        for which, loss in (("warm", case.loss), ("cold", case.cold)):
            a, b = (x[rank : rank + 1].clone().requires_grad_() for x in extreme("two samples"))
            if loss is None:
                continue
            value = total(loss(a, b))
            gradient = torch.autograd.grad(value, (a, b), allow_unused=True)
            finite = all(g is None or bool(torch.isfinite(g).all()) for g in gradient)
            found[name, which] = (float(value.detach()), finite)
    return found


def test_two_samples_on_two_processes_in_bf16():
    a, b = (x.double() for x in extreme("two samples"))
    for found in run_on(2, lone):
        for (name, which), (value, finite) in found.items():
            loss = CASES[name].loss if which == "warm" else CASES[name].cold
            if name == "ibot":  # each process numbers its own samples
                expected = total(loss(a[:1], b[:1]) + loss(a[1:], b[1:])) / 2
            else:
                expected = total(loss(a, b))
            assert finite, name
            assert value == pytest.approx(float(expected), rel=0.01, abs=1e-3), (name, which)


@every
def test_zero_rows_cost_a_finite_number_and_get_a_finite_gradient(name):
    a, b = (x.detach().float() for x in views(6, 4))
    a[1], b[1], a[2], b[3] = 0, 0, 0, 0
    a.requires_grad_()
    value = total(CASES[name].loss(a, b))
    (gradient,) = torch.autograd.grad(value, a)
    assert torch.isfinite(value)
    assert torch.isfinite(gradient).all()
    assert gradient.abs().max() < 1e4


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.prevents])
def test_collapse_is_not_the_optimum(name):
    """A few steps downhill from there find something better."""
    collapsed = torch.ones(16, 8, dtype=torch.float64)
    start = total(CASES[name].loss(collapsed, collapsed))
    free = (collapsed + 0.1 * views(16, 8)[0].detach()).requires_grad_()
    optimiser = torch.optim.Adam([free], lr=0.05)
    for _ in range(40):
        optimiser.zero_grad()
        total(CASES[name].loss(free, free)).backward()
        optimiser.step()
    assert total(CASES[name].loss(free, free)) < start - 0.1


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.symmetric])
def test_symmetric(name):
    a, b = views(6, 4)
    torch.testing.assert_close(total(CASES[name].loss(b, a)), total(CASES[name].loss(a, b)))


# Rows that carry an owner or a partner are permuted with those in tests of their own.
@pytest.mark.parametrize("name", sorted(CASES.keys() - {"ibot", "mixed_barlow_twins"}))
def test_blind_to_order(name):
    assert_blind_to_order(CASES[name].loss, inputs(name, 8, 4))


@every
def test_nan_is_refused_by_name(name):
    a, b = inputs(name, 6, 4)
    a = a.detach().clone()
    a[2, 1] = torch.nan
    with pytest.raises(ShapeError, match=r"expected finite values, found \d+ NaN or infinite"):
        CASES[name].loss(a, b)


# Discriminators take scores of any shape; the other two build a view from the others here.
@pytest.mark.parametrize(
    "name", sorted(CASES.keys() - {"jsd", "bce", "mixed_barlow_twins", "directpred"})
)
def test_views_of_two_shapes_are_refused_by_name(name):
    a, b = inputs(name, 6, 4)
    with pytest.raises(ShapeError, match=r"expected (the|shape)[^,]*.*found \(5,( [14])?"):
        CASES[name].loss(a, b[:5])


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.smallest > 1])
def test_a_smaller_batch_is_refused_by_name(name):
    with pytest.raises(ShapeError, match="joint batch of at least 2 samples, found 1"):
        CASES[name].loss(*inputs(name, 1, 4))
    assert torch.isfinite(total(CASES[name].loss(*inputs(name, 2, 4))))


def dclw(a, b, **options):
    return dcl_loss(a, b, **{"sigma": 0.5, **options})


@pytest.mark.parametrize(
    ("loss", "argument"),
    [
        (nt_xent_loss, "temperature"),
        (dclw, "temperature"),
        (dclw, "sigma"),
        (lambda a, b, **options: info_nce_loss([a, b], **options), "temperature"),
        (lambda a, b, **options: swav_loss([a, b], **options), "temperature"),
        (lambda a, b, **options: swav_loss([a, b], **options), "epsilon"),
        (dino, "student_temperature"),
        (dino, "teacher_temperature"),
        (ibot, "student_temperature"),
        (ibot, "teacher_temperature"),
    ],
)
@pytest.mark.parametrize("value", [0.0, -1.0, torch.tensor(0.0)])
def test_a_temperature_that_is_not_above_0_is_refused_by_name(loss, argument, value):
    with pytest.raises(ShapeError, match=rf"^{argument}: expected a number above 0, found -?\d"):
        loss(*views(6, 4), **{argument: value})
