"""Every objective beside lightly's class of the same name (or the plain formula in PyTorch).

run: OMP_NUM_THREADS=1 python core/benchmarks/objectives.py [--only nt_xent,dcl] [--shapes 256x128]

Forward and backward on one thread, the two alternating in one process. time: median of peer's
CPU time / ours; memory: peer's peak / ours, in MB above the inputs, each measured once in a fresh
fork. Above 1 ours is better. error: our float32 value against our float64 one. Values and
gradients of the two are compared before anything is timed. `--large` adds the contrastive losses
at 32,768 × 128, where only ours runs. Results go to results/objectives.json.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import statistics
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

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

RESULTS = Path(__file__).parent / "results" / "objectives.json"
SECONDS, MOST_ROUNDS = 3.0, 101
SHAPES = ((256, 128), (4096, 128), (1024, 8192))
Function = Callable[..., Tensor]


@dataclass(frozen=True)
class Case:
    """ours, theirs: views (N, D) -> (); peer: whose `theirs` is; shapes: further ones."""

    ours: Callable[..., Tensor | Loss]
    theirs: Callable[..., Tensor]
    peer: str = "lightly"
    views: int = 2
    shapes: Sequence[tuple[int, int]] = ()


@dataclass
class Result:
    objective: str
    peer: str
    shape: tuple[int, int]
    time_ratio: float = 0.0
    time_quartiles: tuple[float, float] = (0.0, 0.0)
    our_seconds: float = 0.0
    memory_ratio: float = 0.0
    our_megabytes: float = 0.0
    relative_error: float = 0.0


# --- peers without a class in lightly, as one would write them ----------------------------------


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


# --- measuring ----------------------------------------------------------------------------------


def inputs(shape: tuple[int, int], views: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(shape, generator=generator)
    drawn = (torch.randn(shape, generator=generator) for _ in range(views))
    return [(F.normalize(rows + 0.5 * each, dim=1)).requires_grad_() for each in drawn]


def differentiated(loss: Function, tensors: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
    """Forward and backward: the value and the gradients that there are."""
    value = _total(loss(*tensors))
    gradients = torch.autograd.grad(value, tensors, allow_unused=True)
    return value.detach(), [gradient for gradient in gradients if gradient is not None]


def require_equal(case: Case, tensors: Sequence[Tensor]) -> None:
    """Both sides give one value, and gradients that differ by less than 1 % of their length."""
    (ours, mine), (theirs, other) = (
        differentiated(each, tensors) for each in (case.ours, case.theirs)
    )
    torch.testing.assert_close(ours, theirs, rtol=2e-3, atol=1e-4)
    for gradient, expected in zip(mine, other, strict=True):
        apart, length = (gradient - expected).norm(), expected.norm()
        assert apart <= 0.01 * length, f"gradients differ by {apart:.1e} of {length:.1e}"


def seconds(loss: Function, tensors: Sequence[Tensor]) -> float:
    start = time.process_time()
    differentiated(loss, tensors)
    return time.process_time() - start


def peak_megabytes(loss: Function, shape: tuple[int, int], views: int) -> float:
    """Peak resident memory of one step above the inputs, in a fork whose heap is clean."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        differentiated(loss, inputs((16, 16), views))
        tensors = inputs(shape, views)
        gc.collect()
        Path("/proc/self/clear_refs").write_text("5")
        before = _status("VmRSS")
        differentiated(loss, tensors)
        os.write(writing, str(_status("VmHWM") - before).encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writing)
    answer = os.read(reading, 100)
    os.close(reading)
    return int(answer) / 1024 if answer else float("nan")


def _status(field: str) -> int:
    """A field of /proc/self/status, in kB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith(field)))


def measure(name: str, shape: tuple[int, int]) -> Result:
    case = CASES[name]
    # Memory first: after a backward pass in the parent, autograd refuses to work in a fork.
    ours = peak_megabytes(case.ours, shape, case.views)
    theirs = peak_megabytes(case.theirs, shape, case.views)
    # What a page or two decide is no comparison: less than 1 MB counts as 1 MB.
    ratio = max(theirs, 1.0) / max(ours, 1.0)
    return Result(name, case.peer, shape, memory_ratio=ratio, our_megabytes=ours)


def measure_large(name: str) -> dict[str, float]:
    """Ours alone: peak memory of a step, and the error of the value."""
    case, shape = CASES[name], (32768, 128)
    found = {"megabytes": peak_megabytes(case.ours, shape, case.views)}
    with torch.no_grad():
        tensors = inputs(shape, case.views)
        value, exact = (
            _total(case.ours(*(x.to(t) for x in tensors))) for t in (torch.float, torch.double)
        )
    found["relative_error"] = float((value - exact).abs() / exact.abs())
    print(f"{name} {shape}: {found['megabytes']:.0f} MB, error {found['relative_error']:.0e}")
    return found


def _total(value: Tensor | Loss) -> Tensor:
    return value.total if isinstance(value, Loss) else value


def time_both(result: Result, rounds: int) -> None:
    case = CASES[result.objective]
    tensors = inputs(result.shape, case.views)
    require_equal(case, tensors)
    value, _ = differentiated(case.ours, tensors)
    exact, _ = differentiated(case.ours, [x.detach().double().requires_grad_() for x in tensors])
    result.relative_error = float((value - exact).abs() / exact.abs())
    pairs = [(seconds(case.ours, tensors), seconds(case.theirs, tensors))]
    while len(pairs) < rounds or (sum(map(sum, pairs)) < SECONDS and len(pairs) < MOST_ROUNDS):
        pairs.append((seconds(case.ours, tensors), seconds(case.theirs, tensors)))
    ratios = [theirs / ours for ours, theirs in pairs]
    low, middle, high = statistics.quantiles(ratios, n=4)
    result.time_ratio, result.time_quartiles = middle, (low, high)
    result.our_seconds = statistics.median(ours for ours, _ in pairs)


def show(result: Result) -> None:
    low, high = result.time_quartiles
    print(
        f"{result.objective:20} {result.shape!s:14} {result.peer:8}"
        f" time {result.time_ratio:6.2f} x [{low:.2f}, {high:.2f}] {result.our_seconds:8.4f} s"
        f"  memory {result.memory_ratio:6.2f} x {result.our_megabytes:8.1f} MB"
        f"  error {result.relative_error:.0e}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default=",".join(CASES), help="names, comma-separated")
    parser.add_argument("--shapes", default="", help="256x128,16x65536; all if not given")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--large", action="store_true", help="also 32,768 × 128, ours alone")
    options = parser.parse_args()
    warnings.filterwarnings("ignore", message="To copy construct")
    torch.set_num_threads(1)
    names = options.only.split(",")
    wanted = [tuple(map(int, shape.split("x"))) for shape in options.shapes.split(",") if shape]
    planned = [
        (name, shape)
        for name in names
        for shape in (*CASES[name].shapes, *SHAPES)
        if shape in wanted or not wanted
    ]
    results = [measure(name, shape) for name, shape in planned]
    large = {name: measure_large(name) for name in names if options.large and name in LARGE}
    for result in results:
        time_both(result, options.rounds)
        show(result)
        save([result], large)


def save(results: Sequence[Result], large: dict[str, dict[str, float]]) -> None:
    """Keep the results of cases that were not run this time."""
    kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"results": []}
    fresh = {(r.objective, tuple(r.shape)) for r in results}
    old = [r for r in kept["results"] if (r["objective"], tuple(r["shape"])) not in fresh]
    date = datetime.now(UTC).date().isoformat()
    rows = [*old, *({**asdict(result), "date": date} for result in results)]
    report = {
        "machine": f"{platform.machine()}, 1 thread, torch {torch.__version__}",
        "results": sorted(rows, key=lambda row: (row["objective"], list(row["shape"]))),
        "32768x128": {**kept.get("32768x128", {}), **large},
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
