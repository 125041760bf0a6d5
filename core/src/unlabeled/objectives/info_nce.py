"""InfoNCE between modalities: find the same sample in the other modality.

Sources: van den Oord, Li, Vinyals, 2018, arXiv:1807.03748, equation 4; Radford et al., CLIP,
ICML 2021, arXiv:2103.00020, figure 3 (both directions, learnable temperature).

    l(x → y) = mean_i -log( exp(x_i · y_i / T) / (exp(x_i · y_i / T) + sum_neg exp(x_i · y_j / T)) )
    loss = (l(x → y) + l(y → x)) / 2

with unit-length rows. Negatives of x_i are the other samples' y_j of the joint batch and of the
queue, without those of its own group. More than two modalities are compared pair by pair, by the
pretext `cross_modal`. Cannot collapse: equal embeddings cost log N. Smallest joint batch: 2.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from unlabeled.contract import Loss, Objective
from unlabeled.distributed import all_reduce_sum, gather_rows
from unlabeled.heads import mlp
from unlabeled.objectives.checks import (
    full_precision,
    require_groups,
    require_joint_batch,
    require_temperature,
    require_views,
)
from unlabeled.objectives.cosine import row_dots, unit_rows
from unlabeled.objectives.negatives import sample_ids, sum_of_excesses
from unlabeled.objectives.symmetric_info_nce import contrast_both_ways
from unlabeled.settings import Settings

NO_GROUP = torch.iinfo(torch.int64).min
"""The id of a queued sample that belongs to no group: a negative of everyone."""


@full_precision
def info_nce_loss(
    modalities: Sequence[Tensor],
    *,
    temperature: float | Tensor = 0.07,
    groups: Tensor | None = None,
    queue: Tensor | None = None,
    queue_groups: Tensor | None = None,
) -> Loss:
    """Compare two modalities of the same samples.

    modalities: two of (N, D), any scale; temperature: a number or a () tensor, above 0; groups:
    (N,) ids, equal ids are no negatives (duplicates, the same patient); queue: (2, Q, D) earlier
    samples of each modality, further negatives; queue_groups: (Q,) ids. Raises ShapeError.
    """
    require_views(modalities, 2, "modalities")
    require_temperature(temperature)
    require_groups(groups, modalities[0])
    count = require_joint_batch(modalities[0], "modalities[0]", at_least=2)
    a, b = (unit_rows(modality) for modality in modalities)
    if queue is None:
        total = contrast_both_ways(a, b, temperature, groups)
    else:
        key_ids = _queue_ids(queue, queue_groups)
        total = _contrast_with_queue(a, b, temperature, groups, unit_rows(queue), key_ids)
    return Loss(total / (2 * count))


def _contrast_with_queue(
    a: Tensor,
    b: Tensor,
    temperature: float | Tensor,
    groups: Tensor | None,
    queue: Tensor,
    queue_ids: Tensor,
) -> Tensor:
    """`contrast_both_ways` with further negatives, queue: (2, Q, D)."""
    positive = row_dots(a, b) / temperature
    own = sample_ids(a)[:, None]
    ids = None if groups is None else (groups, torch.cat([gather_rows(groups), queue_ids]))
    b_keys, a_keys = torch.cat([gather_rows(b), queue[1]]), torch.cat([gather_rows(a), queue[0]])
    forth, _ = sum_of_excesses(a, b_keys, positive, temperature, own, ids)
    back, _ = sum_of_excesses(b, a_keys, positive, temperature, own, ids)
    return all_reduce_sum(forth + back)


def _queue_ids(queue: Tensor, groups: Tensor | None) -> Tensor:
    if groups is not None:
        return groups
    return torch.full(queue.shape[1:2], NO_GROUP, device=queue.device)


class InfoNCESettings(Settings):
    temperature: float = Field(0.07, gt=0, description="temperature T, at the start if learned")
    learn_temperature: bool = Field(False, description="train T, kept at 0.01 or above")
    queue: int = Field(0, ge=0, description="number of earlier samples kept as negatives")
    projector: tuple[int, ...] = Field((2048, 128), description="widths of the projector's layers")


class InfoNCE(Objective):
    """Contrast of two modalities, with one projector for both, a temperature and a queue."""

    settings_type = InfoNCESettings
    settings: InfoNCESettings
    smallest_batch: ClassVar[int] = 2
    queue: Tensor
    queue_groups: Tensor
    queued: Tensor

    def __init__(self, settings: InfoNCESettings, width: int) -> None:
        super().__init__(settings, width)
        self.projector = mlp((width, *settings.projector))
        out = (width, *settings.projector)[-1]
        if settings.learn_temperature:
            # In logarithms: the temperature stays positive whatever the optimiser does.
            self.log_scale = nn.Parameter(torch.tensor(-math.log(settings.temperature)))
        self.register_buffer("queue", torch.zeros(2, settings.queue, out))
        self.register_buffer("queue_groups", torch.full((settings.queue,), NO_GROUP))
        self.register_buffer("queued", torch.zeros((), dtype=torch.int64))
        self._fresh: list[tuple[Tensor, Tensor]] = []

    @property
    def temperature(self) -> float | Tensor:
        """T, a () tensor if it is learned."""
        learned = self.settings.learn_temperature
        return torch.exp(-self.log_scale) if learned else self.settings.temperature

    def forward(
        self,
        student: Sequence[Tensor],
        teacher: Sequence[Tensor] | None = None,
        *,
        groups: Tensor | None = None,
    ) -> Loss:
        """student: one (N, D) tensor per modality, two of them."""
        require_views(student, 2, width=self.width)
        projected = [self.projector(modality) for modality in student]
        # Only filled places: zeros of an empty queue would be negatives of everyone.
        queued = int(self.queued) if self.settings.queue else 0
        loss = info_nce_loss(
            projected,
            temperature=self.temperature,
            groups=groups,
            queue=self.queue[:, :queued] if queued else None,
            queue_groups=self.queue_groups[:queued] if queued else None,
        )
        if self.training and self.settings.queue:
            self._remember(projected, groups)
        return loss

    def after_step(self, step: int, total_steps: int) -> None:
        """Move the batch's embeddings into the queue and keep the temperature in its range."""
        if self.settings.learn_temperature:
            # CLIP's limit of 100, which its authors needed for stable training.
            self.log_scale.data.clamp_(max=math.log(100))
        for rows, groups in self._fresh:
            kept = int(self.queued)
            queue = torch.cat([self.queue[:, :kept], rows], dim=1)[:, -self.settings.queue :]
            ids = torch.cat([self.queue_groups[:kept], groups])[-self.settings.queue :]
            self.queued.fill_(len(ids))
            self.queue[:, : len(ids)] = queue
            self.queue_groups[: len(ids)] = ids
        self._fresh.clear()

    @torch.no_grad()
    def _remember(self, projected: Sequence[Tensor], groups: Tensor | None) -> None:
        rows = torch.stack([gather_rows(unit_rows(each.float())) for each in projected])
        ids = _queue_ids(rows, None) if groups is None else gather_rows(groups)
        # Into the queue after the step, not now: a batch must not be a negative of itself.
        self._fresh.append((rows, ids))
