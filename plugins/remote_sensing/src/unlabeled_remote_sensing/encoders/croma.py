"""CROMA: a radar, an optical and a joint encoder, all with attention biased by distance.

Source: Fuller, Millard, Green, NeurIPS 2023, arXiv:2311.00566. The radar encoder has half as many
blocks as the optical one; radar tokens are the joint encoder's queries and optical tokens its
context. No position is learned (2D-ALiBi within a sensor, X-ALiBi across), so images may be larger
than in training.

Beyond the paper, samples may lack a sensor: the present sensor is the query stream and
cross-attention adds nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from unlabeled.contract import Encoder, Encoding, Output, Tokens
from unlabeled.encoders.alibi import alibi_bias, alibi_slopes, grid_alibi
from unlabeled.encoders.attention import Attention, CrossAttention, attention_mask
from unlabeled.encoders.patches import grid_of
from unlabeled.encoders.pooling import mean_of_valid
from unlabeled.encoders.token_transformer import TokenTransformer
from unlabeled.errors import RecipeError, UsageError
from unlabeled.settings import Settings
from unlabeled_remote_sensing.encoders.raster_batch import (
    BandNormalisation,
    RasterBatch,
    require_sensors,
    token_places,
)
from unlabeled_remote_sensing.encoders.tiles import encode_in_tiles
from unlabeled_remote_sensing.raster import Raster
from unlabeled_remote_sensing.sensors import Sensor

EPS = 1e-5


class CROMASettings(Settings):
    """The base size of the paper; large is width 1024, depth 24."""

    sensors: dict[str, Sensor] | None = Field(None, description="from the reader if unset")
    radar: str = Field("S1", description="which sensor is the radar: the queries")
    optical: str = Field("S2", description="which sensor is the optical one: the context")
    patch: int = Field(8, ge=1, description="side of a patch, in pixels")
    width: int = Field(768, ge=1, description="width of the tokens")
    depth: int = Field(
        12, ge=2, multiple_of=2, description="optical blocks; radar and joint have half as many"
    )
    heads: int = Field(16, ge=1, description="attention heads; must divide the width")


class CROMA(Encoder):
    """Outputs `joint`, and one by the name of each sensor; each also as `NAME_tokens`.

    A sensor's own output is zero where the sensor is missing. `concatenated` is all three in a row,
    because the joint output does not hold everything that the sensors' own outputs do.
    """

    settings_type = CROMASettings
    settings: CROMASettings

    def __init__(self, settings: CROMASettings) -> None:
        """Raises RecipeError if the two sensors are not declared."""
        super().__init__(settings)
        sensors = require_sensors(settings.sensors)
        for role in (settings.radar, settings.optical):
            if role not in sensors:
                raise RecipeError(
                    f"encoder: CROMA needs the sensors {settings.radar!r} (encoder.radar) and "
                    f"{settings.optical!r} (encoder.optical); the data have {', '.join(sensors)}"
                )
        self.sensors = {name: sensors[name] for name in (settings.radar, settings.optical)}
        names = ("joint", settings.radar, settings.optical)
        self.outputs = (
            *(Output(name, "global", settings.width) for name in names),
            *(Output(f"{name}_tokens", "tokens", settings.width) for name in names),
            Output("concatenated", "global", 3 * settings.width),
        )
        self.normalisation = BandNormalisation(self.sensors)
        self.radar = self._stream(settings.radar, settings.depth // 2)
        self.optical = self._stream(settings.optical, settings.depth)
        self.radar_head = pooled_head(settings.width)
        self.optical_head = pooled_head(settings.width)
        self.joint = JointEncoder(settings.width, settings.depth // 2, settings.heads)

    def _stream(self, sensor: str, depth: int) -> TokenTransformer:
        return TokenTransformer(
            channels=len(self.sensors[sensor].bands),
            patch=(self.settings.patch, self.settings.patch),
            width=self.settings.width,
            depth=depth,
            heads=self.settings.heads,
            positions="alibi",
            qkv_bias=False,
            eps=EPS,
        )

    def collate(self, samples: Sequence[Raster]) -> RasterBatch:
        """Raises ShapeError for another number of bands."""
        return RasterBatch.of(samples, self.sensors)

    def _encode(self, batch: RasterBatch, output: str) -> Encoding:
        if output == "concatenated":
            return self._concatenated(batch)
        name = output.removesuffix("_tokens")
        tokens = self._all_tokens(batch, name)
        if output != name:
            return Tokens(tokens.values, tokens.valid, token_places(batch, self.settings.patch))
        return mean_of_valid(tokens) if name == "joint" else self.pooled(name, tokens)

    def _concatenated(self, batch: RasterBatch) -> Tensor:
        own = [self.pooled(name, self._all_tokens(batch, name)) for name in self.sensors]
        return torch.cat([mean_of_valid(self._all_tokens(batch, "joint")), *own], dim=1)

    def _all_tokens(self, batch: RasterBatch, name: str) -> Tokens:
        """Of scenes of any size."""
        settings = self.settings
        return encode_in_tiles(
            batch, settings.patch, settings.heads, lambda part: self._tokens(part, name)
        )

    def _tokens(self, batch: RasterBatch, name: str) -> Tokens:
        if name in self.sensors:
            return self.encode_sensor(batch, name)
        if name != "joint":
            outputs = ", ".join(output.name for output in self.outputs)
            raise UsageError(f"output: expected one of {outputs}, found {name!r}")
        radar, optical = (self.encode_sensor(batch, sensor) for sensor in self.sensors)
        return self._joint(batch, radar, optical)

    def _joint(self, batch: RasterBatch, radar: Tokens, optical: Tokens) -> Tokens:
        """Where all tokens of both sensors run."""
        size = batch.valid[self.settings.radar].shape[1:]
        grid = grid_of(size, (self.settings.patch, self.settings.patch))
        fused: Tokens = self.joint(radar, optical, grid=grid)
        return fused

    def encode_sensor(self, batch: RasterBatch, name: str, visible: Tensor | None = None) -> Tokens:
        """One sensor's tokens; visible: (N, K) long, the ones to run, -1 is padding.

        Positions are in grid steps.
        """
        stream = self.radar if name == self.settings.radar else self.optical
        x = self.normalisation(batch, name)
        tokens: Tokens = stream(x, batch.valid[name], visible=visible).tokens
        return tokens

    def pooled(self, name: str, tokens: Tokens) -> Tensor:
        """A sensor's vector, (N, D): the mean of its tokens through its own small network."""
        head = self.radar_head if name == self.settings.radar else self.optical_head
        present = tokens.valid.any(dim=1, keepdim=True)
        return torch.where(present, head(mean_of_valid(tokens)), 0)

    def present(self, batch: RasterBatch, output: str) -> Tensor:
        """(N,) bool. `joint` and `concatenated` need one of the sensors only."""
        name = output.removesuffix("_tokens")
        return batch.holds([name] if name in self.sensors else list(self.sensors))

    def calibrate(self, batches: Iterable[RasterBatch]) -> None:
        self.normalisation.calibrate(batches)

    def preprocessing(self) -> Mapping[str, Any]:
        return {"sensors": self.normalisation.describe(), "patch": self.settings.patch}


class JointEncoder(nn.Module):
    """Radar tokens attend to one another and to the optical tokens."""

    slopes: Tensor

    def __init__(self, width: int, depth: int, heads: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(JointBlock(width, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(width, eps=EPS)
        self.register_buffer("slopes", alibi_slopes(heads), persistent=False)

    def forward(
        self,
        radar: Tokens,
        optical: Tokens,
        *,
        grid: Sequence[int] | None = None,
        cross_bias_everywhere: bool = False,
    ) -> Tokens:
        """radar: (N, K, D), optical: (N, M, D), each with its positions in grid steps.

        Returns max(K, M) tokens at the places of the queries. grid: of both, where they hold all
        of its tokens in order; None looks at the positions. cross_bias_everywhere: bias
        self-attention too by the distances to the optical tokens, as the authors' code does, which
        needs K = M.
        """
        query, context = _streams(radar, optical)
        if grid is not None:
            near = far = grid_alibi(grid, self.slopes)
        else:
            far = alibi_bias(query.position, context.position, self.slopes)
            near = alibi_bias(query.position, query.position, self.slopes)
        own = attention_mask(query.valid, far if cross_bias_everywhere else near)
        across = attention_mask(context.valid, far)
        has_context = context.valid.any(dim=1)[:, None, None]
        x = query.values
        for layer in self.layers:
            x = layer(x, context.values, own, across, has_context)
        return Tokens(self.norm(x), query.valid, query.position)


class JointBlock(nn.Module):
    """Self-attention, cross-attention, network; one norm serves both sides of the second."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(width, eps=EPS)
        self.attention = Attention(width, heads, qkv_bias=False)
        self.cross_norm = nn.LayerNorm(width, eps=EPS)
        self.cross_attention = CrossAttention(width, heads, qkv_bias=False)
        self.mlp_norm = nn.LayerNorm(width, eps=EPS)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )

    def forward(
        self, x: Tensor, context: Tensor, own: Tensor, across: Tensor, has_context: Tensor
    ) -> Tensor:
        x = x + self.attention(self.attention_norm(x), own)
        crossed = self.cross_attention(self.cross_norm(x), self.cross_norm(context), across)
        x = x + torch.where(has_context, crossed, 0)
        out: Tensor = x + self.mlp(self.mlp_norm(x))
        return out


def pooled_head(width: int) -> nn.Sequential:
    """The small network after the mean of a sensor's tokens, without a residual."""
    return nn.Sequential(
        nn.LayerNorm(width, eps=EPS),
        nn.Linear(width, 4 * width),
        nn.GELU(),
        nn.Linear(4 * width, width),
    )


def _streams(radar: Tokens, optical: Tokens) -> tuple[Tokens, Tokens]:
    """Queries and context: optical tokens take the place of radar ones that are missing."""
    has_radar = radar.valid.any(dim=1)
    context = Tokens(optical.values, optical.valid & has_radar[:, None], optical.position)
    length = max(radar.valid.shape[1], optical.valid.shape[1])
    first, second = _padded(radar, length), _padded(optical, length)
    query = Tokens(
        torch.where(has_radar[:, None, None], first.values, second.values),
        # As torch.where, which onnxruntime does not have for truth values.
        (first.valid & has_radar[:, None]) | (second.valid & ~has_radar[:, None]),
        torch.where(has_radar[:, None, None], first.position, second.position),
    )
    return query, context


def _padded(tokens: Tokens, length: int) -> Tokens:
    missing = length - tokens.valid.shape[1]
    return Tokens(
        F.pad(tokens.values, (0, 0, 0, missing)),
        F.pad(tokens.valid, (0, missing)),
        F.pad(tokens.position, (0, 0, 0, missing)),
    )
