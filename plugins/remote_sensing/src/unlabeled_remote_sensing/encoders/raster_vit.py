"""A transformer on patches of one or more sensors, whose bands are stacked pixel by pixel.

It can run on some of its patches only, so it serves the masked autoencoder (He et al., CVPR 2022,
arXiv:2111.06377), on multispectral input as in SatMAE (Cong et al., NeurIPS 2022,
arXiv:2207.08051, without its band groups and temporal codes); its mean serves joint embedding.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
from unlabeled.encoders.patches import unpatchify, valid_patches
from unlabeled.encoders.pooling import mean_of_valid
from unlabeled.encoders.token_transformer import TokenTransformer
from unlabeled.settings import Settings
from unlabeled_remote_sensing.encoders.raster_batch import (
    BandNormalisation,
    RasterBatch,
    require_sensors,
    token_grid,
    token_places,
)
from unlabeled_remote_sensing.encoders.tiles import encode_in_tiles
from unlabeled_remote_sensing.raster import Raster
from unlabeled_remote_sensing.sensors import Sensor


class RasterViTSettings(Settings):
    sensors: dict[str, Sensor] | None = Field(None, description="from the reader if unset")
    patch: int = Field(8, ge=1, description="side of a patch, in pixels")
    width: int = Field(192, ge=1, description="width of the tokens")
    depth: int = Field(6, ge=1, description="number of blocks")
    heads: int = Field(4, ge=1, description="attention heads; must divide the width")
    positions: Literal["sine", "alibi"] = Field(
        "alibi", description="position embeddings of the tokens"
    )


class RasterViT(Encoder, PatchEncoder, DrawsPatches):
    """Outputs `pooled`, the mean of the valid tokens, and `tokens`."""

    settings_type = RasterViTSettings
    settings: RasterViTSettings

    def __init__(self, settings: RasterViTSettings) -> None:
        """Raises RecipeError if no sensor is declared."""
        super().__init__(settings)
        self.sensors = require_sensors(settings.sensors)
        self.outputs = (
            Output("pooled", "global", settings.width),
            Output("tokens", "tokens", settings.width),
        )
        channels = sum(len(sensor.bands) for sensor in self.sensors.values())
        self.token_width = settings.width
        self.patch_values = channels * settings.patch**2
        self.normalisation = BandNormalisation(self.sensors)
        self.transformer = TokenTransformer(
            channels=channels,
            patch=(settings.patch, settings.patch),
            width=settings.width,
            depth=settings.depth,
            heads=settings.heads,
            positions=settings.positions,
        )

    def collate(self, samples: Sequence[Raster]) -> RasterBatch:
        """Raises ShapeError for another number of bands."""
        return RasterBatch.of(samples, self.sensors)

    def _encode(self, batch: RasterBatch, output: str) -> Encoding:
        tokens = encode_in_tiles(batch, self.settings.patch, self.settings.heads, self._tokens)
        if output == "pooled":
            return mean_of_valid(tokens)
        return Tokens(tokens.values, tokens.valid, token_places(batch, self.settings.patch))

    def _tokens(self, batch: RasterBatch) -> Tokens:
        tokens: Tokens = self.transformer(self._stacked(batch), self._valid(batch)).tokens
        return tokens

    def grid(self, sample: Raster) -> np.ndarray:
        """Tokens where any sensor has data: bool, in the shape of the token grid."""
        grids = [token_grid(sample, name, self.settings.patch) for name in self.sensors]
        there: np.ndarray = np.logical_or.reduce(grids)
        return there

    def patches(self, batch: RasterBatch) -> tuple[Tensor, Tensor]:
        """Normalised values, (N, L, P), and which of them are data."""
        patch = (self.settings.patch, self.settings.patch)
        pairs = [
            valid_patches(self.normalisation(batch, name), batch.valid[name], patch)
            for name in self.sensors
        ]
        known = [mask for _, mask in pairs if mask is not None]
        return torch.cat([x for x, _ in pairs], dim=-1), torch.cat(known, dim=-1)

    def draw_patches(
        self, item: Item, sample: Raster, patches: Tensor, reader: Previews
    ) -> Sequence[Preview]:
        """The raster with other pixels, in the units of its sensors, as the reader draws it.
        patches: (L, P)."""
        side = (self.settings.patch, self.settings.patch)
        widths = [len(sensor.bands) for sensor in self.sensors.values()]
        stacked = torch.split(unpatchify(patches[None], sample.shape, side)[0], widths)
        values = {
            name: self.normalisation.undo(part, name).numpy()
            for name, part in zip(self.sensors, stacked, strict=True)
        }
        return reader.previews(item, sample.with_values(lambda name, _: values[name]))

    def encode_visible(
        self, batch: RasterBatch, visible: Tensor, source: Tensor | None = None
    ) -> Tensor:
        encoded = self.transformer(
            self._stacked(batch), self._valid(batch), visible=visible, source=source
        )
        values: Tensor = encoded.tokens.values
        return values

    def present(self, batch: RasterBatch, output: str) -> Tensor:  # noqa: ARG002
        """(N,) bool. Every output uses all sensors together."""
        return batch.holds(list(self.sensors))

    def calibrate(self, batches: Iterable[RasterBatch]) -> None:
        self.normalisation.calibrate(batches)

    def preprocessing(self) -> Mapping[str, Any]:
        return {"sensors": self.normalisation.describe(), "patch": self.settings.patch}

    def _stacked(self, batch: RasterBatch) -> Tensor:
        return torch.cat([self.normalisation(batch, name) for name in self.sensors], dim=1)

    def _valid(self, batch: RasterBatch) -> Tensor:
        return torch.stack([batch.valid[name] for name in self.sensors]).any(dim=0)
