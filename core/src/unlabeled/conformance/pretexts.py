"""Clauses P: a pretext draws by key, trains every parameter, stays finite, and resumes exactly."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from lightning_fabric.plugins import MixedPrecision
from torch import Tensor

from unlabeled.conformance.check import Check, Clause, Violation, checks_of, require
from unlabeled.conformance.comparison import as_type, difference
from unlabeled.conformance.fixture import Fixture, without_dropout
from unlabeled.contract import Pretext
from unlabeled.errors import ShapeError
from unlabeled.randomness import Draw
from unlabeled.recipe import Recipe
from unlabeled.teachers import Teacher

RECIPE = Clause(
    "P0",
    "recipe",
    "Some recipe uses the pretext.",
    "a pretext that no recipe names is not checked",
)
KEYED = Clause(
    "P1",
    "keyed",
    "An example depends on (seed, epoch, item, draw) alone, and another epoch gives another one "
    "(unless the recipe's views have no steps).",
    "random numbers from torch, numpy or `random` instead of `draw.rng(purpose)`",
)
KEEPS_SAMPLE = Clause(
    "P2",
    "sample",
    "Making an example does not change the sample.",
    "an in-place operation; readers may hand out the same sample again",
)
GRADIENTS = Clause(
    "P3",
    "gradients",
    "Every trainable parameter has a gradient and, over three batches, every weight matrix one "
    "that is not zero; a teacher has none.",
    "a layer whose output is not used, a `detach` too many, or a teacher that is trained",
)
FINITE = Clause(
    "P4",
    "finite",
    "Loss and gradients are finite in bf16 and at the smallest legal batch; below it there is one "
    "ShapeError.",
    "a variance or a logarithm of one sample, or `smallest_batch` that is not true",
)
ORDER = Clause(
    "P5",
    "order",
    "Permuting a batch leaves loss and gradients equal (float64, no dropout).",
    "samples mixed up by a reshape, or randomness drawn by place in the batch",
)


def checks(fixture: Fixture) -> Iterator[Check]:
    """The checks of every pretext in the manifest, and of the core's that its recipes use."""
    runs = {
        KEYED: _keyed,
        KEEPS_SAMPLE: _keeps_sample,
        GRADIENTS: _gradients,
        FINITE: _finite,
        ORDER: _order,
    }
    on_subject = {clause: partial(_on_subject, run) for clause, run in runs.items()}
    for name in fixture.pretext_names():
        place = f"pretexts/{fixture.short(name)}"
        yield from checks_of(place, {RECIPE: _has_recipe}, fixture, name)
        if fixture.recipes_with("pretext", name):
            yield from checks_of(place, on_subject, fixture, name)


@dataclass(frozen=True)
class Subject:
    """A pretext as its smallest recipe sets it up."""

    fixture: Fixture
    recipe: Recipe

    @classmethod
    def of(cls, fixture: Fixture, name: str) -> Subject:
        return cls(fixture, fixture.smallest_recipe("pretext", name))

    def pretext(self, dtype: torch.dtype = torch.float32) -> Pretext:
        return self.fixture.pretext(self.recipe, dtype)

    def size(self, pretext: Pretext) -> int:
        return self.fixture.size(pretext)


def _on_subject(run: Callable[[Subject], None], fixture: Fixture, name: str) -> None:
    run(Subject.of(fixture, name))


def _has_recipe(fixture: Fixture, name: str) -> None:
    require(fixture.recipes_with("pretext", name), "no recipe uses it")


def _keyed(subject: Subject) -> None:
    pretext, fixture, recipe = subject.pretext(), subject.fixture, subject.recipe
    indices = range(subject.size(pretext))
    torch.manual_seed(1)
    one = fixture.batch(recipe, pretext, indices)
    torch.manual_seed(2)
    seen = difference(one, fixture.batch(recipe, pretext, indices))
    require(not seen, f"the same key gives two batches, {seen}")
    if recipe.views and not any(view.steps for view in recipe.views):
        return  # views without steps draw nothing, as in contrast between sensors
    others = (fixture.batch(recipe, pretext, indices, epoch) for epoch in (1, 2, 3))
    if not any(difference(one, other) for other in others):
        raise Violation("four epochs give the same batch: nothing is drawn, or not by epoch")


def _keeps_sample(subject: Subject) -> None:
    pretext, reader = subject.pretext(), subject.recipe.reader
    items = subject.fixture.items(reader)
    for item, sample in zip(items, subject.fixture.samples(reader), strict=False):
        before = copy.deepcopy(sample)
        pretext.example(sample, Draw.of(item, 0, 0))
        seen = difference(before, sample)
        require(not seen, f"the sample changed, {seen}")


def _gradients(subject: Subject) -> None:
    pretext = subject.pretext()
    trained = {name: p for name, p in pretext.named_parameters() if p.requires_grad}
    moved: set[str] = set()
    for epoch in range(3):
        pretext.zero_grad(set_to_none=True)
        indices = range(subject.size(pretext))
        pretext(subject.fixture.batch(subject.recipe, pretext, indices, epoch)).total.backward()
        missing = [name for name, p in trained.items() if p.grad is None]
        require(not missing, f"no gradient: {', '.join(missing[:5])}")
        moved |= {name for name, p in trained.items() if p.grad is not None and p.grad.any()}
        _teacher_is_still(pretext)
    still = [name for name, p in trained.items() if p.ndim > 1 and name not in moved]
    require(not still, f"three gradients of zero: {', '.join(still[:5])}")


def _teacher_is_still(pretext: Pretext) -> None:
    """By its class; copies of the encoder that are no `Teacher` are looked at by clause P7."""
    for place, teacher in pretext.named_modules():
        if isinstance(teacher, Teacher):
            moving = [name for name, p in teacher.named_parameters() if p.grad is not None]
            require(not moving, f"the teacher {place} has a gradient: {', '.join(moving[:5])}")


def _finite(subject: Subject) -> None:
    pretext = subject.pretext()
    smallest = pretext.smallest_batch
    for half in (False, True):
        pretext.zero_grad(set_to_none=True)
        batch = subject.fixture.batch(subject.recipe, pretext, range(smallest))
        if half:  # training rounds every float of a batch too
            batch = MixedPrecision("bf16-mixed", "cpu").convert_input(batch)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=half):
            loss = pretext(batch)
        loss.total.backward()
        kind = "bf16" if half else "float32"
        require(torch.isfinite(loss.total), f"{kind}, {smallest} samples: loss {loss.total}")
        bad = [
            name
            for name, p in pretext.named_parameters()
            if p.grad is not None and not torch.isfinite(p.grad).all()
        ]
        require(not bad, f"{kind}, {smallest} samples: gradient of {', '.join(bad[:5])}")
    if smallest > 1:
        try:
            pretext(subject.fixture.batch(subject.recipe, pretext, range(smallest - 1)))
        except ShapeError:
            return
        raise Violation(f"{smallest - 1} samples give a loss, though {smallest} are the fewest")


def _order(subject: Subject) -> None:
    pretext = without_dropout(subject.pretext(torch.float64))
    examples = subject.fixture.examples(subject.recipe, pretext, range(subject.size(pretext)))
    before = copy.deepcopy(pretext.state_dict())
    one = _loss_and_gradients(pretext, examples)
    pretext.load_state_dict(before)
    other = _loss_and_gradients(pretext, examples[::-1])
    gap = abs(one[0] - other[0])
    require(gap <= 1e-9 * max(1.0, abs(one[0])), f"losses {one[0]} and {other[0]}")
    for name, gradient in one[1].items():
        near = torch.allclose(gradient, other[1][name], rtol=1e-9, atol=1e-9)
        require(near, f"the gradient of {name} differs")


def _loss_and_gradients(
    pretext: Pretext, examples: Sequence[Any]
) -> tuple[float, dict[str, Tensor]]:
    torch.manual_seed(0)
    pretext.zero_grad(set_to_none=True)
    loss = pretext(as_type(pretext.collate(examples), torch.float64)).total
    loss.backward()
    named = pretext.named_parameters()
    return loss.item(), {name: p.grad for name, p in named if p.grad is not None}
