"""Cross-modal contrast: the sensors of one sample get similar embeddings.

Sources: Radford et al., ICML 2021, arXiv:2103.00020 (two modalities); Tian et al., ECCV 2020,
arXiv:1906.05849 (more than two: every pair of them); Rizhko and Bloom 2024, arXiv:2411.08842
(samples that lack a sensor). An encoder of several sensors gives one global output per sensor; any
paired objective compares two of them, on the samples that have both. Views, one chain for all
sensors, keep them aligned.

    loss = mean over pairs of outputs with enough samples of objective(rows that have both)
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from itertools import combinations
from typing import cast

import torch
from pydantic import Field
from torch import Tensor, nn

from unlabeled.augmentations.views import Views
from unlabeled.contract import Encoder, Loss, Objective, Pretext, Sample
from unlabeled.errors import RecipeError
from unlabeled.objectives.checks import require_joint_batch
from unlabeled.pretexts.joint_embedding import Example, ExampleBatch
from unlabeled.pretexts.negative_groups import (
    NEGATIVES,
    Negatives,
    join_negative_groups,
    negative_group,
)
from unlabeled.pretexts.presence import Presence, in_all, no_loss
from unlabeled.randomness import Draw
from unlabeled.settings import Settings


class CrossModalSettings(Settings):
    outputs: tuple[str, ...] = Field(
        min_length=2, description="the encoder's global outputs that are compared"
    )
    negatives: Negatives = NEGATIVES


class CrossModal(Pretext):
    """One view → one output per sensor → the objective, for each pair of sensors.

    Pairs share the projector, so all sensors are embedded in one space; each pair has its own copy
    of the objective's other state (queue, prototypes, temperature).
    """

    settings_type = CrossModalSettings
    settings: CrossModalSettings
    uses = ("views", "objective")

    def __init__(
        self,
        settings: CrossModalSettings,
        encoder: Encoder,
        *,
        views: Views,
        objective: Objective,
    ) -> None:
        """Raises RecipeError if there is more than one view, or no such output."""
        super().__init__(settings, encoder)
        if len(views) != 1:
            raise RecipeError(f"views: cross-modal contrast takes 1 view; found {len(views)}")
        if objective.needs_teacher:
            raise RecipeError("objective: cross-modal contrast has no teacher; choose another")
        _require_outputs(settings.outputs, encoder)
        self.views = views
        self.pairs = list(combinations(range(len(settings.outputs)), 2))
        self.objectives = nn.ModuleList(_for_pairs(objective, len(self.pairs)))
        self._compared: set[int] = set()

    @property
    def smallest_batch(self) -> int:
        return self._objective(0).smallest_batch

    def _objective(self, pair: int) -> Objective:
        return cast(Objective, self.objectives[pair])

    def example(self, sample: Sample, draw: Draw) -> Example:
        return Example(self.views.make(sample, draw), negative_group(draw, self.settings.negatives))

    def collate(self, examples: Sequence[Example]) -> ExampleBatch:
        views = self.views.collate([e.views for e in examples], self.encoder.collate)
        return ExampleBatch(views, join_negative_groups([e.group for e in examples]))

    def forward(self, batch: ExampleBatch) -> Loss:
        (view,) = self.views.apply(batch.views)
        names = self.settings.outputs
        rows = [cast(Tensor, self.encoder.encode(view, name)) for name in names]
        there = [self.encoder.present(view, name) for name in names]
        require_joint_batch(rows[0], "samples", at_least=self.smallest_batch)
        parts: dict[str, Tensor] = {}
        counted = 0
        compared = Presence.in_any([_both(there, pair) for pair in self.pairs])
        for number, (one, other) in enumerate(self.pairs):
            both, pair = Presence.of_rows(_both(there, (one, other))), [rows[one], rows[other]]
            enough = both.enough(self.smallest_batch)
            parts[f"{names[one]}-{names[other]}"] = (
                self._compare(number, pair, both, batch.groups)
                if enough
                else no_loss(pair, self.objectives)
            )
            counted += enough
        loss = Loss(torch.stack(list(parts.values())).sum() / max(counted, 1), parts)
        return compared.noted(loss)

    def _compare(
        self, pair: int, rows: Sequence[Tensor], both: Presence, groups: Tensor | None
    ) -> Tensor:
        self._compared.add(pair)
        groups = None if groups is None else both.pick(groups)
        loss: Loss = self._objective(pair)([both.pick(each) for each in rows], groups=groups)
        return loss.total

    def after_step(self, step: int, total_steps: int) -> None:
        for pair in sorted(self._compared):
            self._objective(pair).after_step(step, total_steps)
        self._compared.clear()


def _for_pairs(objective: Objective, count: int) -> list[Objective]:
    """The objective, and copies with the same projector."""
    copies = [copy.deepcopy(objective) for _ in range(count - 1)]
    for each in copies:
        each.projector = objective.projector
    return [objective, *copies]


def _both(there: Sequence[Tensor | None], pair: tuple[int, int]) -> Tensor | None:
    """Which samples have both sensors, (N,) bool; None: all of them."""
    return in_all([there[number] for number in pair])


def _require_outputs(names: Sequence[str], encoder: Encoder) -> None:
    # The objective is built for the width of the default output.
    width = encoder.outputs[0].width
    fit = [o.name for o in encoder.outputs if o.kind == "global" and o.width == width]
    unfit = sorted(set(names) - set(fit))
    if unfit:
        raise RecipeError(
            f"pretext.outputs: expected global outputs of width {width}, {', '.join(fit)}; "
            f"found {', '.join(unfit)}"
        )
