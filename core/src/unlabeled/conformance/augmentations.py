"""Clauses A: an augmentation changes a copy, by its rng only, within the range it declares."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from unlabeled import discovery
from unlabeled.conformance.check import Check, Clause, Violation, checks_of, require
from unlabeled.conformance.comparison import difference, main_values
from unlabeled.conformance.fixture import Fixture
from unlabeled.contract import BatchAugmentation, Range
from unlabeled.plugin import Component
from unlabeled.randomness import keyed_rng

DRAWS = 16

KEEPS_INPUT = Clause(
    "A1",
    "input",
    "The input sample stays unchanged.",
    "an in-place operation; copy first",
)
BY_RNG = Clause(
    "A2",
    "rng",
    "The same rng gives the same result, whatever the global generators say; another rng, sooner "
    "or later, gives another.",
    "random numbers from torch, numpy or `random` instead of the rng",
)
RANGE = Clause(
    "A3",
    "range",
    "Values stay in the range that the augmentation declares to return.",
    "a gain or a sum without a clip, or a declaration that is too narrow",
)
PLAN = Clause(
    "A4",
    "plan",
    "A batch augmentation draws plans of one fixed length, by the rng alone.",
    "a plan whose length depends on the draw",
)


def checks(fixture: Fixture) -> Iterator[Check]:
    """The checks of every augmentation in the manifest."""
    on_sample = {KEEPS_INPUT: _keeps_input, BY_RNG: _by_rng, RANGE: _range}
    on_batch = {PLAN: _plan}
    for name, component in fixture.plugin.augmentations.items():
        runs = on_batch if _is_batch_wise(component) else on_sample
        yield from checks_of(f"augmentations/{name}", runs, fixture, name)


def _is_batch_wise(component: Component) -> bool:
    target = discovery.resolve(component.target)
    return isinstance(target, type) and issubclass(target, BatchAugmentation)


def _build(fixture: Fixture, name: str) -> Any:
    component = discovery.load("augmentations", fixture.full(name))
    required = [key for key, field in component.model_fields.items() if field.is_required()]
    require(not required, f"needs {', '.join(required)}: give defaults that a check can use")
    return component()


def _keeps_input(fixture: Fixture, name: str) -> None:
    augmentation = _build(fixture, name)
    for sample in fixture.samples(fixture.main_reader()):
        before = copy.deepcopy(sample)
        for draw in range(DRAWS):
            augmentation(sample, keyed_rng(draw))
            seen = difference(before, sample)
            require(not seen, f"the input changed, {seen}")


def _by_rng(fixture: Fixture, name: str) -> None:
    augmentation = _build(fixture, name)
    sample = fixture.samples(fixture.main_reader())[0]
    results = []
    for draw in range(DRAWS):
        _seed_globals(draw)
        one = augmentation(copy.deepcopy(sample), keyed_rng(draw))
        _seed_globals(draw + 1)
        seen = difference(one, augmentation(copy.deepcopy(sample), keyed_rng(draw)))
        require(not seen, f"the same rng gives two results, {seen}")
        results.append(one)
    require(
        any(difference(results[0], other) for other in results[1:]),
        f"{DRAWS} different rngs give one result",
    )


def _range(fixture: Fixture, name: str) -> None:
    augmentation = _build(fixture, name)
    declared = augmentation.returns
    require(isinstance(declared, Range), "`returns` is not a Range")
    for sample in fixture.samples(fixture.main_reader()):
        for draw in range(DRAWS):
            values = main_values(augmentation(sample, keyed_rng(draw)))
            finite = values[torch.isfinite(values)]
            if not len(finite):
                continue
            low, high = float(finite.min()), float(finite.max())
            inside = (declared.low is None or low >= declared.low) and (
                declared.high is None or high <= declared.high
            )
            require(inside, f"values from {low} to {high}, declared {declared}")


def _plan(fixture: Fixture, name: str) -> None:
    augmentation = _build(fixture, name)
    plans = [np.asarray(augmentation.plan(keyed_rng(draw))) for draw in range(DRAWS)]
    shapes = {plan.shape for plan in plans}
    require(len(shapes) == 1 and len(shapes.pop()) == 1, "plans are not vectors of one length")
    if any(not np.array_equal(augmentation.plan(keyed_rng(i)), p) for i, p in enumerate(plans)):
        raise Violation("the same rng gives two plans")


def _seed_globals(seed: int) -> None:
    torch.manual_seed(seed)
    np.random.seed(seed)
