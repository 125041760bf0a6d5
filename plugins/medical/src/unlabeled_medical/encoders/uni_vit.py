"""One vision transformer for images and volumes together.

Source: the unified patch embedding of Cai et al., MICCAI 2022, arXiv:2203.04614 (Uni4Eye). Images
and volumes have patch embeddings and positions of their own and go through the same blocks; the
rank of an input decides which. Departs from the authors' code, whose volumes carry no position:
here sine and cosine of every axis are added.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from unlabeled.contract import Encoder, Encoding, Output
from unlabeled.errors import RecipeError, ShapeError
from unlabeled.settings import Settings
from unlabeled_medical.encoders.vit import ViT, ViTSettings
from unlabeled_medical.volume import Volume, VolumeBatch


class UniViTSettings(Settings):
    channels: int | None = Field(None, ge=1, description="sequences or colours; from the data")
    ranks: tuple[Literal[2, 3], ...] | None = Field(
        None, min_length=1, description="2 for images, 3 for volumes, or both; from the data"
    )
    patch: int = Field(8, ge=1, description="side of a patch, in pixels and in voxels")
    width: int = Field(192, ge=1, description="width of the tokens")
    depth: int = Field(6, ge=1, description="number of blocks")
    heads: int = Field(4, ge=1, description="attention heads; must divide the width")
    window: int = Field(
        128, ge=1, description="larger volumes are pooled over windows of this side, in voxels"
    )


@dataclass(slots=True)
class MixedBatch:
    """parts: by rank; rows: by rank, (n,) int64, positions of its samples in the batch."""

    parts: dict[int, VolumeBatch]
    rows: dict[int, Tensor]


class UniViT(Encoder):
    """Outputs `pooled`, the mean of the valid tokens."""

    settings_type = UniViTSettings
    settings: UniViTSettings

    def __init__(self, settings: UniViTSettings) -> None:
        """Raises RecipeError if neither the recipe nor the data say channels and ranks."""
        super().__init__(settings)
        if settings.channels is None or settings.ranks is None:
            raise RecipeError(
                "encoder: channels and ranks (2 for images, 3 for volumes) are not known; the "
                "reader tells them, or the recipe does"
            )
        self.outputs = (Output("pooled", "global", settings.width),)
        common = settings.model_dump(exclude={"ranks"})
        self.branches = nn.ModuleDict(
            {str(rank): ViT(ViTSettings(rank=rank, **common)) for rank in settings.ranks}
        )
        first, *others = (self.branch(rank).transformer for rank in settings.ranks)
        for other in others:
            share(first, other, "blocks")

    def branch(self, rank: int) -> ViT:
        """The encoder of one rank. Raises ShapeError for one that it was not made for."""
        if str(rank) not in self.branches:
            there = " and ".join(self.branches)
            raise ShapeError(f"expected inputs with {there} axes, found {rank}")
        branch = self.branches[str(rank)]
        assert isinstance(branch, ViT)
        return branch

    def collate(self, samples: Sequence[Volume]) -> MixedBatch:
        """Raises ShapeError for another number of channels or axes."""
        rows = by_rank(samples)
        parts = {
            rank: self.branch(rank).collate([samples[row] for row in places])
            for rank, places in rows.items()
        }
        return MixedBatch(parts, {rank: torch.tensor(places) for rank, places in rows.items()})

    def _encode(self, batch: MixedBatch, output: str) -> Encoding:
        found = {rank: self.branch(rank).encode(part, output) for rank, part in batch.parts.items()}
        rows = torch.cat([batch.rows[rank] for rank in found])
        return torch.cat(list(found.values())).index_select(0, rows.argsort())  # type: ignore[arg-type]

    def preprocessing(self) -> Mapping[str, Any]:
        return {"channels": self.settings.channels, "ranks": list(self.settings.ranks or ())}


def by_rank(samples: Sequence[Volume]) -> dict[int, list[int]]:
    """The places of the images and of the volumes among samples."""
    rows: dict[int, list[int]] = {}
    for row, sample in enumerate(samples):
        rows.setdefault(len(sample.size), []).append(row)
    return dict(sorted(rows.items()))


def share(first: nn.Module, other: nn.Module, name: str) -> None:
    """Let `other` use a part of `first` without owning it, so that it is saved once."""
    delattr(other, name)
    object.__setattr__(other, name, getattr(first, name))
