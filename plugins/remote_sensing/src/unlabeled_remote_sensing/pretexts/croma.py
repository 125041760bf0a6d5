"""CROMA: contrast radar with optical, and reconstruct both from their joint tokens.

Source: Fuller, Millard, Green, NeurIPS 2023, arXiv:2311.00566. Each sensor's patches are masked on
their own. The pooled sensors are contrasted across the batch, with a learned temperature; fused
tokens feed a light decoder that predicts the hidden patches of both. The two losses are added.

Departs from the authors' code, which `official` brings back:
- the joint encoder's self-attention is biased by distances among radar tokens; there by those from
  radar to optical tokens, which are other places when the masks differ;
- the contrast's gradient also reaches the keys; there the gathered features are detached.
Both treat samples that lack a sensor alike: they have no pair to contrast, and only the present
sensor is reconstructed. Pixels without data are neither shown nor predicted.

Letters: N batch, L tokens of the grid, K visible tokens, D width, P values of one patch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from unlabeled.augmentations.views import View, ViewBatch, Views
from unlabeled.contract import Encoder, Loss, Pretext, Tokens
from unlabeled.distributed import gather_rows, global_mean, rank, row_counts
from unlabeled.encoders.attention import Blocks
from unlabeled.encoders.patches import take_tokens, valid_patches
from unlabeled.encoders.positions import sine_positions
from unlabeled.errors import RecipeError
from unlabeled.masks.planner import Mask
from unlabeled.masks.random import RandomMask
from unlabeled.masks.split import Split, split_tokens
from unlabeled.objectives.checks import full_precision, require_joint_batch
from unlabeled.objectives.masked_regression import masked_regression_loss, normalise_tokens
from unlabeled.randomness import Draw
from unlabeled.settings import Settings
from unlabeled_remote_sensing.encoders.croma import CROMA, EPS
from unlabeled_remote_sensing.encoders.raster_batch import RasterBatch, token_grid
from unlabeled_remote_sensing.raster import Raster

INITIAL_SCALE = math.log(1 / 0.07)


class DecoderSettings(Settings):
    """Thrown away after training."""

    width: int = Field(512, gt=0, description="width of its tokens")
    depth: int = Field(1, gt=0, description="number of blocks")
    heads: int = Field(8, gt=0, description="attention heads; must divide the width")


class CROMAPretextSettings(Settings):
    mask: Mask = Field(RandomMask(ratio=0.75), description="drawn for each sensor on its own")
    decoder: DecoderSettings = Field(
        DecoderSettings(), description="the light transformer that reconstructs"
    )
    official: bool = Field(False, description="follow the authors' code in both points")


@dataclass(slots=True)
class Masked:
    """One sample's view. valid, hidden: bool grids, radar first."""

    view: View
    valid: tuple[np.ndarray, ...]
    hidden: tuple[np.ndarray, ...]


@dataclass(slots=True)
class MaskedBatch:
    """radar, optical: which tokens of each sensor are seen."""

    view: ViewBatch
    radar: Split
    optical: Split


class CROMAPretext(Pretext):
    """One view, shared by the sensors; needs the CROMA encoder."""

    settings_type = CROMAPretextSettings
    settings: CROMAPretextSettings
    uses = ("views",)
    encoder: CROMA

    def __init__(self, settings: CROMAPretextSettings, encoder: Encoder, *, views: Views) -> None:
        """Raises RecipeError for another encoder, or for more than one view."""
        if not isinstance(encoder, CROMA):
            raise RecipeError(
                f"encoder: the CROMA pretext needs remote_sensing/croma, found "
                f"{type(encoder).__name__}"
            )
        if len(views) != 1:
            raise RecipeError(f"views: CROMA shows one view of a sample, found {len(views)}")
        super().__init__(settings, encoder)
        self.views = views
        width, patch = encoder.settings.width, encoder.settings.patch
        bands = [len(sensor.bands) for sensor in encoder.sensors.values()]
        self.radar_values, self.optical_values = (count * patch**2 for count in bands)
        self.radar_projection = nn.Linear(width, width)
        self.optical_projection = nn.Linear(width, width)
        self.log_scale = nn.Parameter(torch.tensor(INITIAL_SCALE))
        self.decoder = Decoder(settings.decoder, width, self.radar_values + self.optical_values)

    @property
    def smallest_batch(self) -> int:
        return 2

    def example(self, sample: Raster, draw: Draw) -> Masked:
        view = self.views.make(sample, draw)[0]
        patch = self.encoder.settings.patch
        valid = [token_grid(view.sample, name, patch) for name in self.encoder.sensors]
        hidden = [
            self.settings.mask.plan(grid, draw.rng(f"mask {role}")) if grid.sum() > 1 else grid & 0
            for role, grid in zip(("radar", "optical"), valid, strict=True)
        ]
        return Masked(view, tuple(valid), tuple(hidden))

    def collate(self, examples: Sequence[Masked]) -> MaskedBatch:
        (view,) = self.views.collate([[e.view] for e in examples], self.encoder.collate)
        radar, optical = (
            split_tokens([e.valid[s] for e in examples], [e.hidden[s] for e in examples])
            for s in (0, 1)
        )
        return MaskedBatch(view, radar, optical)

    def forward(self, batch: MaskedBatch) -> Loss:
        """Parts: contrast, radar and optical (squared errors of normalised patches).

        Raises ShapeError if the joint batch is a single sample.
        """
        (rasters,) = self.views.apply([batch.view])
        require_joint_batch(rasters.transform, "CROMA", at_least=self.smallest_batch)
        names = (self.encoder.settings.radar, self.encoder.settings.optical)
        splits = (batch.radar, batch.optical)
        radar, optical = (
            self.encoder.encode_sensor(rasters, name, _at_least_one(split.visible))
            for name, split in zip(names, splits, strict=True)
        )
        contrast = self._contrast(radar, optical)
        fused = self.encoder.joint(radar, optical, cross_bias_everywhere=self.settings.official)
        prediction = self.decoder(fused, batch.radar.grid)
        parts = self._reconstruction(prediction, rasters, batch)
        return Loss(contrast + parts["radar"] + parts["optical"], {"contrast": contrast, **parts})

    def _contrast(self, radar: Tokens, optical: Tokens) -> Tensor:
        both = radar.valid.any(dim=1) & optical.valid.any(dim=1)
        names = (self.encoder.settings.radar, self.encoder.settings.optical)
        return cross_modal_loss(
            self.radar_projection(self.encoder.pooled(names[0], radar))[both],
            self.optical_projection(self.encoder.pooled(names[1], optical))[both],
            self.log_scale.exp(),
            key_gradient=not self.settings.official,
        )

    def _reconstruction(
        self, prediction: Tensor, rasters: RasterBatch, batch: MaskedBatch
    ) -> dict[str, Tensor]:
        """Each sensor's error on its own hidden patches; targets are normalised jointly."""
        radar, radar_known = self._patches(rasters, self.encoder.settings.radar)
        optical, optical_known = self._patches(rasters, self.encoder.settings.optical)
        known = torch.cat([optical_known, radar_known], dim=-1)
        target = normalise_tokens(torch.cat([optical, radar], dim=-1), known)
        sizes = [self.optical_values, self.radar_values]
        hidden = (_places(batch.optical), _places(batch.radar))
        return {
            name: masked_regression_loss(guess, true, weight=asked & there.unsqueeze(-1))
            for name, guess, true, asked, there in zip(
                ("optical", "radar"),
                *(torch.split(x, sizes, dim=-1) for x in (prediction, target, known)),
                hidden,
                strict=True,
            )
        }

    def _patches(self, rasters: RasterBatch, name: str) -> tuple[Tensor, Tensor]:
        patch = self.encoder.settings.patch
        x = self.encoder.normalisation(rasters, name)
        values, known = valid_patches(x, rasters.valid[name], (patch, patch))
        assert known is not None
        return values, known


class Decoder(nn.Module):
    """Fused tokens at their places, a learned token elsewhere, fixed positions, a few blocks."""

    def __init__(self, settings: DecoderSettings, width: int, out: int) -> None:
        super().__init__()
        self.embedding = nn.Linear(width, settings.width)
        self.mask_token = nn.Parameter(torch.randn(settings.width) * 0.02)
        self.blocks = Blocks(
            settings.width, settings.depth, settings.heads, qkv_bias=False, eps=EPS
        )
        self.prediction = nn.Linear(settings.width, out)

    def forward(self, tokens: Tokens, grid: tuple[int, ...]) -> Tensor:
        """tokens: (N, K, D) with positions in grid steps. Returns (N, L, out), row-major."""
        at = torch.full((len(tokens.valid), math.prod(grid) + 1), -1, device=tokens.valid.device)
        place = (tokens.position[..., 0] * grid[1] + tokens.position[..., 1]).long()
        order = torch.arange(place.shape[1], device=place.device).expand_as(place)
        # Invalid tokens are written to one extra place, which is cut off.
        at = at.scatter(1, torch.where(tokens.valid, place, math.prod(grid)), order)[:, :-1]
        seen = take_tokens(self.embedding(tokens.values), at)
        values = torch.where((at >= 0).unsqueeze(-1), seen, self.mask_token.to(seen.dtype))
        code = sine_positions(grid, len(self.mask_token), values.device).to(values.dtype)
        predicted: Tensor = self.prediction(self.blocks(values + code))
        return predicted


@full_precision
def cross_modal_loss(
    radar: Tensor, optical: Tensor, scale: Tensor, *, key_gradient: bool = True
) -> Tensor:
    """Find each radar image's optical partner in the joint batch, and the other way round.

    radar, optical: (N, D), row by row a pair, of any length: rows are normalised here. scale: ()
    the inverse temperature. Returns the mean of both cross-entropies over the joint batch, ().
    key_gradient: whether the gradient also reaches the keys.
    """
    radar, optical = (F.normalize(x, dim=1) for x in (radar, optical))
    counts = row_counts(radar)
    own = torch.arange(len(radar), device=radar.device) + sum(counts[: rank()])
    losses = []
    for query, key in ((optical, radar), (radar, optical)):
        keys = gather_rows(key if key_gradient else key.detach())
        losses.append(F.cross_entropy(scale * query @ keys.T, own, reduction="none"))
    return global_mean(torch.stack(losses))


def _at_least_one(visible: Tensor) -> Tensor:
    """Attention needs at least one token; a batch that lacks a sensor gets padding."""
    return visible if visible.shape[1] else F.pad(visible, (0, 1), value=-1)


def _places(split: Split) -> Tensor:
    """Hidden tokens as bool (N, L)."""
    hidden = torch.zeros(
        len(split.hidden), math.prod(split.grid) + 1, dtype=torch.bool, device=split.hidden.device
    )
    last = math.prod(split.grid)
    return hidden.scatter(1, torch.where(split.hidden < 0, last, split.hidden), True)[:, :-1]
