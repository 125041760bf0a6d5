"""Clause P8: a method that uses labels learns from them, and also from items without labels."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from unlabeled import discovery
from unlabeled.conformance.check import Check, Clause, checks_of, require
from unlabeled.conformance.comparison import arrays, as_type
from unlabeled.conformance.fixture import Fixture, Targets, without_dropout
from unlabeled.contract import DenseTarget, Loss, Pretext
from unlabeled.data.training_labels import TrainingLabels
from unlabeled.randomness import TargetValue
from unlabeled.recipe import Recipe

LABELS = Clause(
    "P8",
    "labels",
    "Where `uses` names labels, other labels give another loss; without any label in the batch "
    "loss and gradients are finite. Items that have none of several classes are not items without "
    "labels.",
    "`draw.targets` that `example` drops, or a mean over the labelled samples of a batch that has "
    "none (use `global_mean` with a weight)",
)


def checks(fixture: Fixture) -> Iterator[Check]:
    """The check of every pretext that a recipe uses and that learns from labels."""
    for name in fixture.pretext_names():
        uses = discovery.load("pretexts", name).uses
        if fixture.recipes_with("pretext", name) and "labels" in uses:
            place = f"pretexts/{fixture.short(name)}"
            yield from checks_of(place, {LABELS: _labels}, fixture, name)


def _labels(fixture: Fixture, name: str) -> None:
    recipe = fixture.smallest_recipe("pretext", name)
    labels = fixture.labels(recipe)
    assert labels is not None  # as `uses` names them
    subject = Subject(fixture, recipe, labels)
    true, _ = subject.loss(lambda targets: targets)
    other, _ = subject.loss(subject.another)
    require(not torch.equal(true, other), "other labels give the same loss")
    without, pretext = subject.loss(lambda _: {})
    require(torch.isfinite(without), f"without labels in the batch the loss is {without}")
    if labels.several:
        none, _ = subject.loss(subject.none)
        same = "items that have none of the classes give the loss of items without labels"
        require(not torch.equal(none, without), same)
    torch.autograd.backward(without)
    named = [(n, p.grad) for n, p in pretext.named_parameters() if p.grad is not None]
    bad = [name for name, gradient in named if not torch.isfinite(gradient).all()]
    require(not bad, f"without labels in the batch: gradient of {', '.join(bad[:5])}")


@dataclass(frozen=True)
class Subject:
    """A method and the labels that it learns from."""

    fixture: Fixture
    recipe: Recipe
    labels: TrainingLabels

    def loss(self, changed: Callable[[Targets], Targets]) -> tuple[Tensor, Pretext]:
        """(), of the same items and draws with changed labels, by a new method with the same
        weights."""
        pretext = without_dropout(self.fixture.pretext(self.recipe, torch.float64))
        places = self._places()[: self.fixture.size(pretext)]
        examples = self.fixture.examples(self.recipe, pretext, places, changed=changed)
        torch.manual_seed(0)
        found: Loss = pretext(as_type(pretext.collate(examples), torch.float64))
        return found.total, pretext

    def another(self, targets: Targets) -> Targets:
        """The next class, the classes that it has not, or a larger value; of a mask, 0 and 1 the
        other way round."""
        return {name: self._another(value) for name, value in targets.items()}

    def _another(self, value: TargetValue) -> TargetValue:
        if isinstance(value, DenseTarget):
            return _swapped(value)
        if self.labels.several:
            return 1 - value
        count = len(self.labels.classes)
        return (value + 1) % count if count else value + 1

    def none(self, targets: Targets) -> Targets:
        """None of the classes, where it has a label."""
        return {n: 0 * value for n, value in targets.items() if not isinstance(value, DenseTarget)}

    def _places(self) -> list[int]:
        """Positions of items with a label and of others, in turn."""
        every = range(len(self.fixture.items(self.recipe.reader)))
        known = [place for place in every if place in self.labels.positions]
        unknown = [place for place in every if place not in self.labels.positions]
        return [place for pair in zip(known, unknown, strict=False) for place in pair] or known


def _swapped(mask: DenseTarget) -> DenseTarget:
    copied, grid = copy.deepcopy(mask), mask.classes().shape
    for _, array in arrays(copied):
        held = torch.as_tensor(array)
        if held.dtype != torch.bool and tuple(held.shape[held.ndim - len(grid) :]) == grid:
            held.copy_(torch.where(held == 0, 1, torch.where(held == 1, 0, held)))
    return copied
