"""Clause P7: copies of the encoder inside a method, and how they change in training.

Dropout in a teacher is not checked, because methods differ (Noisy Student's teacher has none, Mean
Teacher's has); `unlabeled.teachers.Teacher` has none.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from unlabeled.conformance.check import Check, Clause, checks_of, require
from unlabeled.conformance.comparison import as_type
from unlabeled.conformance.fixture import Fixture, without_dropout
from unlabeled.contract import Encoder, Loss, Pretext
from unlabeled.recipe import Recipe, build_encoder
from unlabeled.teachers import Teacher

STEPS = 4
"""A method may move its teacher in every other step."""

TOTAL = 100
"""The steps of the run that those belong to: momentum is far from its last value, 1."""

TEACHERS = Clause(
    "P7",
    "teachers",
    "A copy of the encoder that does not learn follows the one that does, unless `frozen` names "
    "it; none that starts with the same weights learns by gradient too; all are calibrated.",
    "an `after_step` that does not move the teacher, a copy without `requires_grad_(False)`, or "
    "one built anew instead of copied",
)


def checks(fixture: Fixture) -> Iterator[Check]:
    """The check of every pretext that a recipe uses."""
    for name in fixture.pretext_names():
        if fixture.recipes_with("pretext", name):
            place = f"pretexts/{fixture.short(name)}"
            yield from checks_of(place, {TEACHERS: _teachers}, fixture, name)


@dataclass(frozen=True)
class Network:
    """The encoder, or a copy of it. name: of the submodule; frozen: left as it is on purpose."""

    name: str
    module: Encoder
    frozen: bool

    @property
    def learns(self) -> bool:
        return any(parameter.requires_grad for parameter in self.module.parameters())

    def weights(self) -> list[Tensor]:
        return [parameter.detach().clone() for parameter in self.module.parameters()]


def networks(pretext: Pretext) -> list[Network]:
    """The encoder and its copies, by their class: an attribute may be called anything."""
    owners = dict(pretext.named_modules())
    found = [
        (name, module)
        for name, module in owners.items()
        if type(module) is type(pretext.encoder) and not name.startswith("encoder.")
    ]
    return [
        Network(name, module, _is_frozen(pretext, name, owners[name.rpartition(".")[0]]))
        for name, module in found
        if isinstance(module, Encoder)
    ]


def _is_frozen(pretext: Pretext, name: str, owner: torch.nn.Module) -> bool:
    if isinstance(owner, Teacher):
        return owner.settings.momentum == owner.settings.final_momentum == 1
    return any(name == part or name.startswith(f"{part}.") for part in pretext.frozen)


def _teachers(fixture: Fixture, name: str) -> None:
    """Of each objective the smallest recipe: some need a teacher and some do not."""
    smallest: dict[str, Recipe] = {}
    for recipe in sorted(fixture.recipes_with("pretext", name), key=fixture.size_of):
        smallest.setdefault(recipe.objective.name if recipe.objective else "", recipe)
    for recipe in smallest.values():
        pretext = without_dropout(fixture.pretext(recipe, torch.float64))
        found = networks(pretext)
        _one_learns(found)
        if len(found) > 1 or not found[0].learns:
            _are_calibrated(fixture, recipe, pretext, found)
            _follow(fixture, recipe, pretext, found)


def _one_learns(found: list[Network]) -> None:
    """Of networks with the same first weights; a second network draws weights of its own."""
    learning = [network for network in found if network.learns]
    for number, one in enumerate(learning):
        for other in learning[:number]:
            pairs = zip(one.weights(), other.weights(), strict=True)
            require(
                not all(torch.equal(a, b) for a, b in pairs),
                f"{one.name} starts with the weights of {other.name}, and both learn by gradient",
            )


def _are_calibrated(
    fixture: Fixture, recipe: Recipe, pretext: Pretext, found: list[Network]
) -> None:
    """Where calibration changed a buffer of the encoder, the copies have the same values."""
    raw = build_encoder(recipe.encoder.with_facts(fixture.facts(recipe.reader)))
    before = dict(raw.to(torch.float64).named_buffers())
    right = dict(fixture.encoder(recipe).to(torch.float64).named_buffers())
    fitted = [name for name, value in right.items() if not torch.equal(value, before[name])]
    _loss(fixture, recipe, pretext, 0)  # some copy buffers when they are used
    for network in found:
        own = dict(network.module.named_buffers())
        missing = [name for name in fitted if not torch.equal(own[name], right[name])]
        require(not missing, f"{network.name} is not calibrated: {', '.join(missing[:5])}")


def _follow(fixture: Fixture, recipe: Recipe, pretext: Pretext, found: list[Network]) -> None:
    still = [network for network in found if not (network.learns or network.frozen)]
    before = {network.name: network.weights() for network in still}
    learning = [p for p in pretext.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(learning, lr=1e-3)
    for step in range(STEPS):
        optimiser.zero_grad()
        torch.autograd.backward(_loss(fixture, recipe, pretext, step))
        optimiser.step()
        pretext.after_step(step, TOTAL)
    for network in still:
        pairs = zip(network.weights(), before[network.name], strict=True)
        require(
            any(not torch.equal(a, b) for a, b in pairs),
            f"{network.name} does not learn and never moves; if intended, name it in `frozen`",
        )


def _loss(fixture: Fixture, recipe: Recipe, pretext: Pretext, epoch: int) -> Tensor:
    batch = fixture.batch(recipe, pretext, range(fixture.size(pretext)), epoch)
    loss: Loss = pretext(as_type(copy.deepcopy(batch), torch.float64))
    return loss.total
