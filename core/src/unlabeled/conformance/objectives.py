"""Clauses O: an objective alone, on random embeddings."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from unlabeled import discovery
from unlabeled.conformance.check import Check, Clause, Violation, checks_of, require
from unlabeled.conformance.fixture import Fixture
from unlabeled.contract import Loss, Objective
from unlabeled.errors import ShapeError
from unlabeled.settings import Settings

WIDTH = 8
SAMPLES = 6
LARGEST = 16

FINITE = Clause(
    "O1",
    "finite",
    "Loss and gradients are finite on bf16 embeddings and at the smallest joint batch; below it "
    "there is one ShapeError.",
    "an exponential or a division in half precision, or `smallest_batch` that is not true",
)
ORDER = Clause(
    "O2",
    "order",
    "Permuting the samples permutes the gradients and leaves the loss equal (float64).",
    "samples treated by their position, or views that were shuffled differently",
)
WIDTHS = Clause(
    "O3",
    "widths",
    "Views of another width than the objective was built for, or of unequal widths, are one "
    "ShapeError.",
    "`forward` does not look at `self.width`, so a loss is made of what no encoder gave",
)


def checks(fixture: Fixture) -> Iterator[Check]:
    """The checks of every objective in the manifest."""
    for name in fixture.plugin.objectives:
        runs = {FINITE: _finite, ORDER: _order, WIDTHS: _widths}
        yield from checks_of(f"objectives/{name}", runs, fixture.full(name))


def _finite(name: str) -> None:
    objective, count = _ready(name)
    for samples in (SAMPLES, objective.smallest_batch):
        views = _views(count, samples, torch.bfloat16)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = _loss(objective, views)
        loss.total.backward()  # type: ignore[no-untyped-call]
        require(torch.isfinite(loss.total), f"{samples} samples: loss {loss.total.item()}")
        bad = [v for v in views if v.grad is None or not torch.isfinite(v.grad).all()]
        require(not bad, f"{samples} samples: the gradient is not finite")
    if objective.smallest_batch > 1:
        few = objective.smallest_batch - 1
        try:
            _loss(objective, _views(count, few, torch.float32))
        except ShapeError:
            return
        raise Violation(
            f"{few} samples give a loss, though {objective.smallest_batch} are the fewest"
        )


def _order(name: str) -> None:
    objective, count = _ready(name)
    objective = objective.double()
    before = copy.deepcopy(objective.state_dict())
    views = _views(count, SAMPLES, torch.float64)
    one = _gradients(objective, views)
    objective.load_state_dict(before)
    order = torch.arange(SAMPLES - 1, -1, -1)
    other = _gradients(objective, [view.detach()[order].requires_grad_() for view in views])
    gap = abs(float(one[0] - other[0]))
    require(gap <= 1e-9 * max(1.0, abs(float(one[0]))), f"losses {one[0]:.12g}, {other[0]:.12g}")
    for number, (a, b) in enumerate(zip(one[1], other[1], strict=True)):
        require(torch.allclose(a[order], b, rtol=1e-9, atol=1e-9), f"gradient of view {number}")


def _widths(name: str) -> None:
    objective, count = _ready(name)
    views = [view.detach() for view in _views(count, SAMPLES, torch.float32)]
    narrow = [view[:, 1:] for view in views]
    teacher = _teacher(objective, views)
    for wrong in (narrow, [*views[:-1], narrow[-1]]):
        try:
            objective(wrong, teacher)
        except ShapeError:
            continue
        raise Violation(
            f"takes views of shapes {[tuple(v.shape) for v in wrong]}, width is {WIDTH}"
        )


def _ready(name: str) -> tuple[Objective, int]:
    """The objective with its default settings, and how many views it takes: 2, 1 or 3."""
    torch.manual_seed(0)
    component = discovery.load("objectives", name)
    objective: Objective = component(_narrow(component.settings_type), WIDTH).train()
    for count in (2, 1, 3):
        try:
            _loss(objective, _views(count, SAMPLES, torch.float32))
        except ShapeError as error:
            last = error
        else:
            return objective, count
    raise Violation(f"takes neither 1, 2 nor 3 views of shape ({SAMPLES}, {WIDTH}): {last}")


def _narrow(settings_type: type[Settings]) -> Settings:
    """The default settings, with every size (an int, or a tuple of them) at most `LARGEST`."""

    def smaller(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(smaller(each) for each in value)
        return min(value, LARGEST) if type(value) is int else value

    return settings_type(**{name: smaller(value) for name, value in settings_type()})


def _views(count: int, samples: int, dtype: torch.dtype) -> list[Tensor]:
    generator = torch.Generator().manual_seed(1)
    drawn = torch.randn(count, samples, WIDTH, generator=generator)
    return [view.clone().to(dtype).requires_grad_() for view in drawn]


def _loss(objective: Objective, views: list[Tensor]) -> Loss:
    found: Loss = objective(views, _teacher(objective, views))
    return found


@torch.no_grad()
def _teacher(objective: Objective, views: list[Tensor]) -> list[Tensor] | None:
    if not objective.needs_teacher:
        return None
    objective.projector.eval()  # whose batch norm would refuse a lone sample
    projected = [objective.projector(view) for view in views]
    objective.projector.train()
    return projected


def _gradients(objective: Objective, views: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
    loss = _loss(objective, views).total
    return loss.detach(), list(torch.autograd.grad(loss, views))
