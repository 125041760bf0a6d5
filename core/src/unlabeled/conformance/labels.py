"""Clause P8: a method that uses labels learns from them, and from items that have none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor

from unlabeled import discovery
from unlabeled.conformance.check import Check, Clause, checks_of, require
from unlabeled.conformance.comparison import as_type
from unlabeled.conformance.fixture import Fixture, without_dropout
from unlabeled.contract import Loss, Pretext
from unlabeled.data.training_labels import TrainingLabels
from unlabeled.randomness import TargetValue
from unlabeled.recipe import Recipe

Targets: TypeAlias = Callable[[int], Mapping[str, TargetValue]]
"""`Draw.targets` of the item at a position."""

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
    true, _ = subject.loss(labels.of)
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

    def loss(self, targets: Targets) -> tuple[Tensor, Pretext]:
        """(), of the same items and draws with these labels, by a new method with the same
        weights."""
        pretext = without_dropout(self.fixture.pretext(self.recipe, torch.float64))
        places = self._places()[: self.fixture.size(pretext)]
        examples = self.fixture.examples(self.recipe, pretext, places, targets=targets)
        torch.manual_seed(0)
        found: Loss = pretext(as_type(pretext.collate(examples), torch.float64))
        return found.total, pretext

    def another(self, place: int) -> dict[str, TargetValue]:
        """The next class, the classes that it has not, or a larger value."""
        found, count = self.labels.of(place), len(self.labels.classes)
        if self.labels.several:
            return {name: 1 - value for name, value in found.items()}
        return {n: (value + 1) % count if count else value + 1 for n, value in found.items()}

    def none(self, place: int) -> dict[str, TargetValue]:
        """None of the classes, where it has a label."""
        return {name: 0 * value for name, value in self.labels.of(place).items()}

    def _places(self) -> list[int]:
        """Positions of items with a label and of others, in turn."""
        every = range(len(self.fixture.items(self.recipe.reader)))
        known = [place for place in every if self.labels.of(place)]
        unknown = [place for place in every if not self.labels.of(place)]
        return [place for pair in zip(known, unknown, strict=False) for place in pair] or known
