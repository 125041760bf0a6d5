"""Global and local contrast for roughly aligned volumes.

Source: Chaitanya, Erdil, Karani, Konukoglu, NeurIPS 2020, arXiv:2006.10511. A volume falls into S
equal partitions along one axis; from each, one slab is drawn. With cosines s, temperature T and
the rows N of all other partitions, for every positive pair (i, j) in both directions,

    l(i, j) = -log( exp(s_ij / T) / (exp(s_ij / T) + sum_{n in N} exp(s_in / T)) )

Global, G^D-: the pairs are the views of one slab; G^D (`across`): also slabs of the same partition
of other volumes. Local, L^R: two intensities of one slab; a region's positive is the same region
of the other map, its negatives are other regions of both maps.

Departs from the paper: slabs instead of slices, for encoders of volumes (an image falls into
strips); one stage, with the local term on a map of the encoder and not on a frozen encoder's
decoder; the regions tile the map, and all others are negatives, not five neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from unlabeled.augmentations.views import View, ViewBatch, Views
from unlabeled.contract import Encoder, Loss, Pretext
from unlabeled.distributed import gather_rows, global_mean
from unlabeled.errors import RecipeError, UnreadableItem
from unlabeled.heads import mlp
from unlabeled.objectives.checks import full_precision
from unlabeled.objectives.cosine import unit_rows
from unlabeled.objectives.negatives import sample_ids
from unlabeled.randomness import Draw
from unlabeled.settings import Settings
from unlabeled_medical.encoders.maps import mappable
from unlabeled_medical.volume import Volume


class GlobalLocalSettings(Settings):
    """The first views are contrasted as a whole, the last two region by region: their steps must
    leave voxels where they are."""

    partitions: int = Field(4, ge=2, description="equal parts of a volume")
    axis: int = Field(-1, description="axis that is parted; the last runs to the head")
    thickness: int = Field(8, ge=1, description="of a slab, in voxels")
    across: bool = Field(True, description="same partition of another volume is a positive too")
    temperature: float = Field(0.1, gt=0, description="temperature T of the cosines")
    projector: tuple[int, ...] = Field((1024, 128), description="of the global contrast")
    local_weight: float = Field(1.0, ge=0, description="weight of the local term")
    local_map: int = Field(-2, description="which of the encoder's maps, finest first")
    regions: int = Field(3, ge=2, description="regions along each axis of the map, at most")
    local_projector: tuple[int, ...] = Field((128,), description="of the local contrast")


@dataclass(slots=True)
class SlabBatch:
    """The slabs of all volumes, volume by volume. partition: (N * S,) int64."""

    views: list[ViewBatch]
    partition: Tensor


class GlobalLocal(Pretext):
    """Needs four views or more, the last two aligned, and an encoder with feature maps."""

    settings_type = GlobalLocalSettings
    settings: GlobalLocalSettings
    uses = ("views",)

    def __init__(self, settings: GlobalLocalSettings, encoder: Encoder, *, views: Views) -> None:
        """Raises RecipeError."""
        super().__init__(settings, encoder)
        if len(views) < 4:
            raise RecipeError(
                f"views: two or more for the global and two aligned ones for the local contrast "
                f"make at least 4; found {len(views)}"
            )
        self.views = views
        self.map_encoder = mappable(encoder)
        widths = self.map_encoder.map_widths
        self.projector = mlp((widths[-1], *settings.projector))
        inner = widths[settings.local_map] if settings.local_weight else 0
        self.local_projector = mlp((inner, *settings.local_projector)) if inner else None

    def example(self, sample: Volume, draw: Draw) -> list[list[View]]:
        """The views of one slab per partition. Raises UnreadableItem if there are too few."""
        rng = draw.rng("slabs")
        count = self.settings.partitions
        slabs = [self._slab(sample, part, rng, draw.item) for part in range(count)]
        return [
            self.views.make(slab, replace(draw, number=draw.number * count + part))
            for part, slab in enumerate(slabs)
        ]

    def collate(self, examples: Sequence[list[list[View]]]) -> SlabBatch:
        slabs = [views for volume in examples for views in volume]
        parts = torch.arange(self.settings.partitions).repeat(len(examples))
        return SlabBatch(self.views.collate(slabs, self.encoder.collate), parts)

    def _slab(self, volume: Volume, part: int, rng: np.random.Generator, item: str) -> Volume:
        axis = self.settings.axis % len(volume.size)
        length = volume.size[axis]
        if length < self.settings.partitions:
            expected = f"{self.settings.partitions} or more voxels along axis {axis}"
            raise UnreadableItem(item, expected, f"{length}")
        low, high = (length * edge // self.settings.partitions for edge in (part, part + 1))
        thick = min(self.settings.thickness, length)
        # The slab's middle lies in the partition; at the ends it moves in as a whole.
        middle = int(rng.integers(low, high))
        start, size = [0] * len(volume.size), list(volume.size)
        start[axis], size[axis] = min(max(middle - thick // 2, 0), length - thick), thick
        return volume.crop(start, size)

    def forward(self, batch: SlabBatch) -> Loss:
        maps = [self.map_encoder.maps(view) for view in self.views.apply(batch.views)]
        vectors = [each[-1].flatten(2).mean(dim=2) for each in maps[:-2]]
        rows = [self.projector(vector) for vector in vectors]
        total = partition_contrast_loss(
            rows,
            batch.partition,
            temperature=self.settings.temperature,
            across=self.settings.across,
        )
        parts = {"global": total}
        if self.local_projector is not None:
            regions = [self._regions(each[self.settings.local_map]) for each in maps[-2:]]
            parts["local"] = region_contrast_loss(*regions, temperature=self.settings.temperature)
            total = total + self.settings.local_weight * parts["local"]
        return Loss(total, parts)

    def _regions(self, x: Tensor) -> Tensor:
        """(N, D, *G) -> (N, R, E): the mean of each region, projected."""
        assert self.local_projector is not None
        grid = [min(self.settings.regions, length) for length in x.shape[2:]]
        pool: Any = F.adaptive_avg_pool2d if x.ndim == 4 else F.adaptive_avg_pool3d
        means = pool(x, grid).flatten(2).transpose(1, 2)
        projected: Tensor = self.local_projector(means)
        return projected


@full_precision
def partition_contrast_loss(
    views: Sequence[Tensor], partition: Tensor, *, temperature: float, across: bool
) -> Tensor:
    """G^D- or, with `across`, G^D: (), at least 0.

    views: (N, D) each, of the same slabs, any scale; partition: (N,) int64. A row without rows
    of another partition in the joint batch costs nothing.
    """
    ids = sample_ids(views[0]).repeat(len(views))
    parts = partition.repeat(len(views))
    rows = unit_rows(torch.cat(list(views)))
    keys, key_ids, key_parts = gather_rows(rows), gather_rows(ids), gather_rows(parts)
    view = _view_of(views)
    scores = rows @ keys.T / temperature
    alike = parts[:, None] == key_parts
    itself = (ids[:, None] == key_ids) & (view[:, None] == gather_rows(view))
    positive = (alike if across else ids[:, None] == key_ids) & ~itself
    negatives = scores.masked_fill(alike, -torch.inf).logsumexp(dim=1, keepdim=True)
    return global_mean(_log_1_plus_exp(negatives - scores), positive)


@full_precision
def region_contrast_loss(first: Tensor, second: Tensor, *, temperature: float) -> Tensor:
    """L^R: (), at least 0. first, second: (N, R, D), the same regions of two aligned maps."""
    first, second = (F.normalize(x, dim=-1) for x in (first, second))
    both = torch.cat([first, second], dim=1)
    scores = both @ both.mT / temperature
    count = first.shape[1]
    region = torch.arange(count, device=both.device).repeat(2)
    same = region[:, None] == region
    negatives = scores.masked_fill(same, -torch.inf).logsumexp(dim=2)
    positive = (first * second).sum(dim=2).repeat(1, 2) / temperature
    return global_mean(_log_1_plus_exp(negatives - positive))


def _log_1_plus_exp(x: Tensor) -> Tensor:
    """log(e^p + e^n) - p for x = n - p, which as a difference would lose a small loss."""
    return torch.logaddexp(x, x.new_zeros(()))


def _view_of(views: Sequence[Tensor]) -> Tensor:
    """The number of each row's view, as `torch.cat(views)` orders them."""
    numbers = torch.arange(len(views), device=views[0].device)
    return numbers.repeat_interleave(len(views[0]))
