"""A vision transformer on volumes or images of any size.

It can run on some of its patches only, so it serves the masked autoencoder (He et al., CVPR 2022,
arXiv:2111.06377; on volumes Chen et al., WACV 2023, arXiv:2204.11716); its mean serves joint
embedding. Source: Dosovitskiy et al., ICLR 2021, arXiv:2010.11929.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from unlabeled.contract import (
    DrawsPatches,
    Encoder,
    Encoding,
    Output,
    PatchEncoder,
    Preview,
    Previews,
    Tokens,
)
from unlabeled.data.items import Item
from unlabeled.encoders.patches import grid_of, unpatchify, valid_patches
from unlabeled.encoders.pooling import mean_of_valid
from unlabeled.encoders.positions import grid_positions
from unlabeled.encoders.token_transformer import TokenTransformer
from unlabeled.settings import Settings
from unlabeled_medical.encoders.input import require_input
from unlabeled_medical.encoders.maps import MapEncoder
from unlabeled_medical.encoders.windows import fits_window, mean_over_windows
from unlabeled_medical.volume import Volume, VolumeBatch


class ViTSettings(Settings):
    channels: int | None = Field(None, ge=1, description="sequences or colours; from the data")
    rank: Literal[2, 3] | None = Field(None, description="axes of the input; from the data")
    patch: int = Field(8, ge=1, description="side of a patch, in voxels")
    width: int = Field(192, ge=1, description="width of the tokens")
    depth: int = Field(6, ge=1, description="number of blocks")
    heads: int = Field(4, ge=1, description="attention heads; must divide the width")
    positions: Literal["sine", "alibi"] = Field(
        "sine", description="position embeddings of the tokens"
    )
    window: int = Field(
        128, ge=1, description="larger volumes are pooled over windows of this side, in voxels"
    )


class ViT(Encoder, PatchEncoder, MapEncoder, DrawsPatches):
    """Outputs `pooled`, the mean of the valid tokens, and `tokens`, placed in mm."""

    settings_type = ViTSettings
    centred = True
    settings: ViTSettings

    def __init__(self, settings: ViTSettings) -> None:
        """Raises RecipeError if neither the recipe nor the data say channels and rank."""
        super().__init__(settings)
        self.channels, self.rank = require_input(settings.channels, settings.rank)
        self.outputs = (
            Output("pooled", "global", settings.width),
            Output("tokens", "tokens", settings.width),
        )
        self.patch = (settings.patch,) * self.rank
        self.strides = (settings.patch,) * settings.depth
        self.map_widths = (settings.width,) * settings.depth
        self.token_width = settings.width
        self.patch_values = self.channels * settings.patch**self.rank
        self.transformer = TokenTransformer(
            channels=self.channels,
            patch=self.patch,
            width=settings.width,
            depth=settings.depth,
            heads=settings.heads,
            positions=settings.positions,
        )

    def collate(self, samples: Sequence[Volume]) -> VolumeBatch:
        """Raises ShapeError for another number of channels or axes."""
        return VolumeBatch.of(samples, self.channels, self.rank)

    def _encode(self, batch: VolumeBatch, output: str) -> Encoding:
        if output == "pooled" and not fits_window(batch, self.settings.window):
            return mean_over_windows(self._pooled, batch, self.settings.window)
        if output == "pooled":
            return self._pooled(batch)[0]
        tokens = self.transformer(batch.values, batch.valid).tokens
        return Tokens(tokens.values, tokens.valid, token_places(batch, self.patch))

    def _pooled(self, batch: VolumeBatch) -> tuple[Tensor, Tensor]:
        """The mean of the valid tokens, (N, D), and how many they are, (N,)."""
        tokens = self.transformer(batch.values, batch.valid).tokens
        return mean_of_valid(tokens), tokens.valid.sum(dim=1)

    def maps(self, batch: VolumeBatch) -> list[Tensor]:
        """The tokens after each block, the last ones normed: (N, D, *S / patch) each."""
        kept: list[Tensor] = []
        *early, _ = self.transformer.blocks.layers
        hooks = [
            block.register_forward_hook(lambda _, __, out: kept.append(out)) for block in early
        ]
        try:
            kept.append(self.transformer(batch.values, batch.valid).tokens.values)
        finally:
            for hook in hooks:
                hook.remove()
        grid = grid_of(batch.values.shape[2:], self.patch)
        return [values.transpose(1, 2).reshape(len(values), -1, *grid) for values in kept]

    def grid(self, sample: Volume) -> np.ndarray:
        """Every token has data: True, in the shape of the token grid."""
        return np.ones(grid_of(sample.size, self.patch), dtype=bool)

    def patches(self, batch: VolumeBatch) -> tuple[Tensor, Tensor]:
        """Values, (N, L, P), and which of them are data of a present sequence."""
        values, known = valid_patches(batch.values, batch.valid, self.patch)
        if known is None:
            known = torch.ones_like(values, dtype=torch.bool)
        there = batch.present.repeat_interleave(self.patch_values // self.channels, dim=1)
        return values, known & there.unsqueeze(1)

    def draw_patches(
        self, item: Item, sample: Volume, patches: Tensor, reader: Previews
    ) -> Sequence[Preview]:
        """The volume with other voxels, as the reader draws it. patches: (L, P)."""
        values = unpatchify(patches[None], sample.size, self.patch)[0]
        return reader.previews(item, replace(sample, values=values))

    def encode_visible(
        self, batch: VolumeBatch, visible: Tensor, source: Tensor | None = None
    ) -> Tensor:
        encoded = self.transformer(batch.values, batch.valid, visible=visible, source=source)
        values: Tensor = encoded.tokens.values
        return values

    def preprocessing(self) -> Mapping[str, Any]:
        return {"channels": self.channels, "rank": self.rank, "patch": self.settings.patch}


def token_places(batch: VolumeBatch, patch: Sequence[int], *, centred: bool = True) -> Tensor:
    """World coordinates of the tokens in mm, (N, L, 3) float64, row-major.

    centred: a token lies at the middle of its voxels, or else at their first.
    """
    steps = grid_positions(grid_of(batch.values.shape[2:], patch), batch.affine.device).double()
    middle = 0.5 if centred else 0.0
    centre = (steps + middle) * torch.tensor(patch, device=steps.device) - middle
    index = torch.cat([centre, torch.ones_like(centre[:, :1])], dim=1).to(batch.affine.dtype)
    return index @ batch.affine[:, :3].transpose(1, 2)
