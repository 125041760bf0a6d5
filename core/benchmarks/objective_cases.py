"""What `objectives.py` measures: each loss of ours beside lightly's, or the plain formula."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import torch
import torch.nn.functional as F
from lightly import loss as lightly
from lightly.models.utils import normalize_mean_var
from torch import Tensor

from unlabeled.contract import Loss
from unlabeled.objectives.barlow_twins import barlow_twins_loss
from unlabeled.objectives.bce import bce_loss
from unlabeled.objectives.byol import byol_loss
from unlabeled.objectives.dcl import dcl_loss
from unlabeled.objectives.dino import DINOSettings, Targets, dino_loss
from unlabeled.objectives.directpred import predictor_from_correlation
from unlabeled.objectives.ibot import ibot_loss
from unlabeled.objectives.info_nce import info_nce_loss
from unlabeled.objectives.jsd import jsd_loss
from unlabeled.objectives.latent_regression import latent_regression_loss
from unlabeled.objectives.masked_regression import masked_regression_loss
from unlabeled.objectives.mixed_barlow_twins import mixed_barlow_twins_loss
from unlabeled.objectives.nt_xent import nt_xent_loss
from unlabeled.objectives.patch_info_nce import patch_info_nce_loss
from unlabeled.objectives.scaled_cosine_error import scaled_cosine_error_loss
from unlabeled.objectives.simsiam import simsiam_loss
from unlabeled.objectives.ssl_ey import ssl_ey_loss
from unlabeled.objectives.swav import swav_loss
from unlabeled.objectives.token_cross_entropy import token_cross_entropy_loss
from unlabeled.objectives.vicreg import vicreg_loss
from unlabeled.objectives.weighted_sum import TermWeight, WeightedSum


@dataclass(frozen=True)
class Case:
    """ours, theirs: views (N, D) -> (); peer: whose `theirs` is; shapes: further ones."""

    ours: Callable[..., Tensor | Loss]
    theirs: Callable[..., Tensor]
    peer: str = "lightly"
    views: int = 2
    shapes: Sequence[tuple[int, int]] = ()


def clip(a: Tensor, b: Tensor) -> Tensor:
    scores = F.normalize(a, dim=1) @ F.normalize(b, dim=1).T / 0.07
    labels = torch.arange(len(a))
    return (F.cross_entropy(scores, labels) + F.cross_entropy(scores.T, labels)) / 2


def eckhart_young(a: Tensor, b: Tensor) -> Tensor:
    a, b = a - a.mean(0), b - b.mean(0)
    c, v = 2 * a.T @ b / (len(a) - 1), (a.T @ a + b.T @ b) / (len(a) - 1)
    return -2 * torch.trace(c) + torch.trace(v @ v)


def mixed_twins(a: Tensor, b: Tensor, m: Tensor) -> Tensor:
    n, order = len(a), torch.arange(len(a)).flip(0)
    a, b, m = (F.normalize(z, dim=1) for z in (a, b, m))
    a, b, m = ((z - z.mean(0)) / (z.var(0, unbiased=False) + 1e-8).sqrt() for z in (a, b, m))
    c = a.T @ b / n
    on = torch.diagonal(c)
    total = (on - 1).square().sum() + 0.0078125 * (c.square().sum() - on.square().sum())
    for z in (a, b):
        wanted = 0.3 * a.T @ z / n + 0.7 * b[order].T @ z / n
        total = total + 4 * 0.0078125 * (m.T @ z / n - wanted).square().sum()
    return total


def cosine_error(x: Tensor, y: Tensor) -> Tensor:
    return (1 - F.cosine_similarity(x, y, dim=1)).pow(3).mean()


def patches(c: Tensor, x: Tensor) -> Tensor:
    scores = _patches(c) @ _patches(x).mT
    labels = torch.arange(scores.shape[1]).expand(scores.shape[:2])
    (scores.detach().argmax(dim=2) == labels).float().mean()  # which ours counts too
    return F.cross_entropy(scores.flatten(0, 1), labels.flatten())


def discriminator(positive: Tensor, negative: Tensor) -> Tensor:
    scores = torch.cat([positive, negative])
    labels = torch.cat([torch.ones_like(positive), torch.zeros_like(negative)])
    return F.binary_cross_entropy_with_logits(scores, labels)


def jensen_shannon(p: Tensor, n: Tensor) -> Tensor:
    log2 = torch.log(torch.tensor(2.0))
    return (F.softplus(-n) + n - log2).mean() - (log2 - F.softplus(-p)).mean()


def _patches(x: Tensor) -> Tensor:
    return x.view(8, -1, x.shape[1])


# Classes that hold state are built once per width, and both sides update their centres: with a
# momentum of 1 that is the same work, and every call gives the same value.
FROZEN = DINOSettings.model_construct(center_momentum=1.0, final_teacher_temperature=0.04)
_swav_of_lightly = lightly.SwaVLoss()
_dino_of_lightly = cache(lambda width: lightly.DINOLoss(output_dim=width, center_momentum=1.0))
_ibot_of_lightly = cache(lambda width: lightly.IBOTPatchLoss(width, center_momentum=1.0))
_targets = cache(lambda width: Targets(FROZEN.model_copy(update={"prototypes": width})))


def _swav(*scores: Tensor) -> Tensor:
    return _swav_of_lightly(list(scores[:2]), list(scores[2:])).squeeze()


def _dino_theirs(*logits: Tensor) -> Tensor:
    loss = _dino_of_lightly(logits[0].shape[1])
    return loss([x.detach() for x in logits[:2]], list(logits))


def _dino(*logits: Tensor) -> Tensor:
    teacher, targets = [x.detach() for x in logits[:2]], _targets(logits[0].shape[1])
    loss = dino_loss(logits, teacher, center=targets.center)
    targets.observe(teacher)
    targets.advance(0, 1)
    return loss


@cache
def _eight_samples(tokens: int) -> tuple[Tensor, Tensor]:
    """Which tokens belong together: the mask that lightly takes, and the owners that ours takes."""
    mask = torch.ones(8, 1, tokens // 8, dtype=torch.bool)
    return mask, torch.arange(8).repeat_interleave(tokens // 8)


def _ibot_theirs(student: Tensor, teacher: Tensor) -> Tensor:
    mask, _ = _eight_samples(len(student))
    return _ibot_of_lightly(student.shape[1])(teacher.detach(), student, mask)


def _ibot(student: Tensor, teacher: Tensor) -> Tensor:
    targets, teacher = _targets(student.shape[1]), teacher.detach()
    _, owner = _eight_samples(len(student))
    loss = ibot_loss(student, teacher, owner=owner, center=targets.center)
    targets.observe([teacher])
    targets.advance(0, 1)
    return loss


def _directpred(a: Tensor, b: Tensor) -> Tensor:
    width = min(a.shape[1], 128)  # its eigenvalues are those of the projector's output
    predictor = predictor_from_correlation((a[:, :width].T @ a[:, :width]).detach(), 0.01)
    return byol_loss(a[:, :width] @ predictor, b[:, :width])


def _directpred_plain(a: Tensor, b: Tensor) -> Tensor:
    width = min(a.shape[1], 128)
    values, vectors = torch.linalg.eigh((a[:, :width].T @ a[:, :width]).detach())
    powers = (values.clamp(min=0) / values.max()).sqrt() + 0.01
    predicted = a[:, :width] @ (vectors @ torch.diag(powers) @ vectors.T)
    return 2 - 2 * F.cosine_similarity(predicted, b[:, :width].detach()).mean()


_terms = WeightedSum({"a": TermWeight(), "b": TermWeight(weight=10)})


def _weighted(a: Tensor, b: Tensor) -> Tensor:
    return _terms({"a": a.square().mean(), "b": b.square().mean()}).total


CASES = {
    "nt_xent": Case(nt_xent_loss, lightly.NTXentLoss(temperature=0.1)),
    "dcl": Case(dcl_loss, lightly.DCLLoss()),
    "dclw": Case(lambda a, b: dcl_loss(a, b, sigma=0.5), lightly.DCLWLoss()),
    "info_nce": Case(lambda a, b: info_nce_loss([a, b]), clip, "plain"),
    "barlow_twins": Case(barlow_twins_loss, lightly.BarlowTwinsLoss(lambda_param=0.0051)),
    "mixed_barlow_twins": Case(
        lambda a, b, m: mixed_barlow_twins_loss(
            a, b, m, share=torch.tensor(0.3), partner=torch.arange(len(a)).flip(0)
        ),
        mixed_twins,
        "plain",
        views=3,
    ),
    "vicreg": Case(vicreg_loss, lightly.VICRegLoss()),
    "ssl_ey": Case(lambda a, b: ssl_ey_loss([a, b]), eckhart_young, "plain"),
    "byol": Case(byol_loss, lambda p, t: 2 + 2 * lightly.NegativeCosineSimilarity()(p, t.detach())),
    "simsiam": Case(simsiam_loss, lambda p, z: lightly.NegativeCosineSimilarity()(p, z.detach())),
    "directpred": Case(_directpred, _directpred_plain, "plain"),
    "swav": Case(lambda *s: swav_loss(s), _swav, views=8, shapes=((256, 3000),)),
    "dino": Case(_dino, _dino_theirs, views=12, shapes=((16, 65536),)),
    "ibot": Case(_ibot, _ibot_theirs),
    "masked_regression": Case(
        lambda p, t: masked_regression_loss(p, t.detach(), normalise_target=True),
        lambda p, t: F.mse_loss(p, normalize_mean_var(t.detach())),
    ),
    "latent_regression": Case(
        latent_regression_loss,
        lambda p, t: F.smooth_l1_loss(p, F.layer_norm(t.detach(), t.shape[-1:])),
        "plain",
    ),
    "scaled_cosine_error": Case(scaled_cosine_error_loss, cosine_error, "plain"),
    "patch_info_nce": Case(
        lambda c, x: patch_info_nce_loss(_patches(c), _patches(x)), patches, "plain"
    ),
    "jsd": Case(jsd_loss, jensen_shannon, "plain"),
    "bce": Case(bce_loss, discriminator, "plain"),
    "token_cross_entropy": Case(
        lambda a, b: token_cross_entropy_loss(a, b.argmax(dim=1)),
        lambda a, b: F.cross_entropy(a, b.argmax(dim=1)),
        "plain",
    ),
    "weighted_sum": Case(
        _weighted, lambda a, b: a.square().mean() + 10 * b.square().mean(), "plain"
    ),
}
LARGE = ("nt_xent", "dcl", "info_nce")
