"""Mixed Barlow Twins: two views and, as a third, a mix of one view with another sample's other.

Source: Bandara, De Melo, Patel, 2023, arXiv:2312.02151. Departs from the authors' code, which
draws one share for the whole batch and mixes within each process: here every sample has a share
of its own, uniform in [0, 1], and a partner from the joint batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from unlabeled.augmentations.views import View, ViewBatch, Views
from unlabeled.contract import Batch, Encoder, Loss, Objective, Pretext, Sample
from unlabeled.distributed import gather_rows, rank, row_counts, world_size
from unlabeled.errors import RecipeError, ShapeError
from unlabeled.objectives.mixed_barlow_twins import MixedBarlowTwins as MixedObjective
from unlabeled.pretexts.joint_embedding import require_global_output
from unlabeled.pretexts.presence import Presence, no_loss
from unlabeled.randomness import Draw
from unlabeled.settings import Settings


class MixedBarlowTwinsSettings(Settings):
    """Nothing to set: the weight of the mixed terms belongs to the objective."""


@dataclass(slots=True)
class Example:
    """plan: (2,) uniform, the share of the first view and a place on the circle of partners."""

    views: list[View]
    plan: np.ndarray


@dataclass(slots=True)
class ExampleBatch:
    """plans: (N, 2) float64."""

    views: list[ViewBatch]
    plans: Tensor


class MixedBarlowTwins(Pretext):
    """Needs two views of one size, and batches of tensors with the samples along the first axis."""

    settings_type = MixedBarlowTwinsSettings
    uses = ("views", "objective")

    def __init__(
        self,
        settings: MixedBarlowTwinsSettings,
        encoder: Encoder,
        *,
        views: Views,
        objective: Objective,
    ) -> None:
        """Raises RecipeError unless there are two views and the objective of this method."""
        super().__init__(settings, encoder)
        require_global_output(encoder)
        if len(views) != 2:
            raise RecipeError(f"views: Mixed Barlow Twins takes 2 views; found {len(views)}")
        if not isinstance(objective, MixedObjective):
            raise RecipeError("objective: Mixed Barlow Twins needs mixed_barlow_twins")
        self.views = views
        self.objective = objective

    @property
    def smallest_batch(self) -> int:
        return self.objective.smallest_batch

    def example(self, sample: Sample, draw: Draw) -> Example:
        return Example(self.views.make(sample, draw), draw.rng("mix").random(2))

    def collate(self, examples: Sequence[Example]) -> ExampleBatch:
        views = self.views.collate([e.views for e in examples], self.encoder.collate)
        return ExampleBatch(views, torch.from_numpy(np.stack([e.plan for e in examples])))

    def forward(self, batch: ExampleBatch) -> Loss:
        a, b = self.views.apply(batch.views)
        there = Presence.of(self.encoder, [a, b])
        share, partner = batch.plans[:, 0].float(), partners(batch.plans[:, 1], there.rows)
        inputs = [a, b, mixed(a, b, share, partner)]
        embeddings = [there.take(self.encoder(view)) for view in inputs]
        if not there.enough(self.smallest_batch):
            return there.noted(Loss(no_loss(embeddings, self.objective), count=0))
        if there.rows is not None:
            # Positions among the samples of the joint batch that have data.
            partner = there.pick(gather_rows(there.rows).cumsum(0)[partner] - 1)
        loss: Loss = self.objective(embeddings, share=there.pick(share), partner=partner)
        return there.noted(loss)

    def after_step(self, step: int, total_steps: int) -> None:
        self.objective.after_step(step, total_steps)


def partners(places: Tensor, rows: Tensor | None = None) -> Tensor:
    """The next sample on the circle, (N,) int64 positions in the joint batch; itself only if alone.

    places: (N,) in [0, 1), of this process. The order of a batch decides nothing. rows: (N,) bool,
    the samples on the circle, None for all; others are their own partners.
    """
    everywhere = gather_rows(places)
    around = everywhere.argsort()
    if rows is not None:
        around = around[gather_rows(rows)[around]]
    following = torch.arange(len(everywhere), device=places.device)
    following = following.scatter(0, around, around.roll(-1))
    first = sum(row_counts(places)[: rank()])
    return following[first : first + places.shape[0]]


def mixed(a: Batch, b: Batch, share: Tensor, partner: Tensor) -> Batch:
    """share · a + (1 - share) · b[partner], tensor by tensor.

    a, b: this process's views, (N, ...) tensors in dataclasses or mappings; share: (N,); partner:
    (N,) positions in the joint batch. Floats are mixed, of bools (what is valid) both must hold,
    of integers (lengths) the smaller counts. Raises ShapeError.
    """
    if isinstance(a, Tensor):
        return _mixed_tensor(a, b, share, partner)
    if is_dataclass(a) and not isinstance(a, type):
        names = [field.name for field in fields(a)]
        return replace(a, **{n: mixed(getattr(a, n), getattr(b, n), share, partner) for n in names})
    if isinstance(a, dict):
        return {name: mixed(a[name], b[name], share, partner) for name in a}
    raise ShapeError(
        f"mixing takes tensors, dataclasses and mappings of them; found {type(a).__name__}"
    )


def _mixed_tensor(a: Tensor, b: Tensor, share: Tensor, partner: Tensor) -> Any:
    if a.shape[:1] != share.shape:
        raise ShapeError(
            f"mixing needs batches with the samples along the first axis; found {tuple(a.shape)} "
            f"for {len(share)} samples. Graphs, whose nodes are joined, cannot be mixed."
        )
    if a.shape != b.shape:
        raise ShapeError(
            f"mixing needs views of one size; found {tuple(a.shape)} and {tuple(b.shape)}. Let "
            "the last step of both be a crop of the same size."
        )
    other = _everyone(b).index_select(0, partner)
    # What lies beyond this process's longest sample is padding of every mix.
    other = other[(slice(None), *(slice(size) for size in a.shape[1:]))]
    if a.is_floating_point():
        return torch.lerp(other, a, share.to(a.dtype).view(-1, *[1] * (a.ndim - 1)))
    return a & other if a.dtype == torch.bool else torch.minimum(a, other)


def _everyone(x: Tensor) -> Tensor:
    """The rows of all processes, padded with zeros where another process has larger ones."""
    if world_size() > 1:
        own = torch.tensor([x.shape[1:]], device=x.device)
        missing = gather_rows(own).amax(dim=0) - own[0]
        x = F.pad(x, [edge for axis in reversed(missing.tolist()) for edge in (0, axis)])
    return gather_rows(x)
