"""Views of a sample, each made by its own chain of augmentations.

A chain is any number of steps on the sample, then any number of steps on the joint batch. The
former run in the data worker. Of the latter only the plan is drawn there; they are applied on the
device, after the encoder has collated the view.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import torch
from pydantic import Field, field_validator
from torch import Tensor

from unlabeled.contract import (
    Augmentation,
    Batch,
    BatchAugmentation,
    DenseTarget,
    MovesSpace,
    Sample,
)
from unlabeled.discovery import load
from unlabeled.errors import RecipeError
from unlabeled.randomness import Draw
from unlabeled.settings import Settings
from unlabeled.validation import validate

Step = Augmentation | BatchAugmentation


class ViewSettings(Settings):
    """One entry of a recipe's `views:` section: how many views, and how each is made.

    Its steps are checked against their augmentations and completed with their defaults, so a
    resolved recipe names everything. Raises PluginError or RecipeError.
    """

    count: int = Field(1, ge=1, description="views made by these steps")
    steps: tuple[Mapping[str, Any], ...] = Field(
        (), description="augmentations in order, each {name: ..., its settings}"
    )

    @field_validator("steps")
    @classmethod
    def _complete(cls, steps: tuple[Mapping[str, Any], ...]) -> tuple[Mapping[str, Any], ...]:
        built = [_build_step(step) for step in steps]
        _check_order(steps, built)
        return tuple(
            {"name": step["name"], **cast(Settings, augmentation).model_dump(mode="json")}
            for step, augmentation in zip(steps, built, strict=True)
        )


@dataclass(slots=True)
class View:
    """One view of one sample.

    plans: what its batch steps drew, one (K,) array each; targets: masks by the name of the
    target, moved as the sample was.
    """

    sample: Sample
    plans: list[np.ndarray]
    targets: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class ViewBatch:
    """One view of all samples. plans: one (N, K) tensor per batch step."""

    batch: Batch
    plans: list[Tensor]


@dataclass(frozen=True)
class Chain:
    """The steps of one view: on samples first, then on the batch."""

    steps: tuple[Augmentation, ...] = ()
    batch_steps: tuple[BatchAugmentation, ...] = ()

    def make(
        self, sample: Sample, rng: np.random.Generator, masks: Mapping[str, DenseTarget]
    ) -> View:
        """masks: by the name of the target; steps that move space move them alike."""
        for step in self.steps:
            if masks and isinstance(step, MovesSpace) and step.moves_space:
                # Each mask gets a copy of the rng: the sample's draws are those without masks.
                masks = {name: step(mask, copy.deepcopy(rng)) for name, mask in masks.items()}
            sample = step(sample, rng)
        return View(sample, [step.plan(rng) for step in self.batch_steps], masks)

    def collate(
        self, views: Sequence[View], collate: Callable[[Sequence[Sample]], Batch]
    ) -> ViewBatch:
        plans = [
            torch.from_numpy(np.stack([view.plans[index] for view in views]))
            for index in range(len(self.batch_steps))
        ]
        return ViewBatch(collate([view.sample for view in views]), plans)

    def apply(self, views: ViewBatch) -> Batch:
        batch = views.batch
        for step, plans in zip(self.batch_steps, views.plans, strict=True):
            batch = step.apply(batch, plans)
        return batch


class Views:
    """The views of a pretext, in a fixed order: view v draws from `draw.rng(v)`.

    `make` and `collate` run in data workers, `apply` on the device.
    """

    def __init__(self, sections: Sequence[ViewSettings]) -> None:
        self.chains = tuple(
            chain for section in sections for chain in [_build_chain(section)] * section.count
        )

    def __len__(self) -> int:
        return len(self.chains)

    def make(self, sample: Sample, draw: Draw) -> list[View]:
        """Every view of one sample; a pure function of the two."""
        masks = {n: mask for n, mask in draw.targets.items() if isinstance(mask, DenseTarget)}
        return [chain.make(sample, draw.rng(v), masks) for v, chain in enumerate(self.chains)]

    def collate(
        self, examples: Sequence[Sequence[View]], collate: Callable[[Sequence[Sample]], Batch]
    ) -> list[ViewBatch]:
        """examples: the views of each of N samples; collate: the encoder's. One batch per view."""
        by_view = zip(*examples, strict=True)
        return [
            chain.collate(views, collate) for chain, views in zip(self.chains, by_view, strict=True)
        ]

    def apply(self, batches: Sequence[ViewBatch]) -> list[Batch]:
        """What the encoder takes, one batch per view."""
        return [chain.apply(batch) for chain, batch in zip(self.chains, batches, strict=True)]


def _build_chain(section: ViewSettings) -> Chain:
    built = [_build_step(step) for step in section.steps]
    on_batch = [isinstance(step, BatchAugmentation) for step in built]
    first = on_batch.index(True) if True in on_batch else len(built)
    return Chain(
        cast(tuple[Augmentation, ...], tuple(built[:first])),
        cast(tuple[BatchAugmentation, ...], tuple(built[first:])),
    )


def _build_step(step: Mapping[str, Any]) -> Step:
    settings = dict(step)
    name = settings.pop("name", None)
    if not isinstance(name, str):
        raise RecipeError(f"views: every step needs the name of an augmentation, found {step!r}.")
    return cast(Step, validate(load("augmentations", name), settings, f"views, step {name}"))


def _check_order(steps: Sequence[Mapping[str, Any]], built: Sequence[Step]) -> None:
    for index in range(1, len(built)):
        after_batch = isinstance(built[index - 1], BatchAugmentation)
        if after_batch and not isinstance(built[index], BatchAugmentation):
            raise RecipeError(
                f"views: {steps[index]['name']} changes single samples, so it must come before "
                f"{steps[index - 1]['name']}, which changes the whole batch."
            )
