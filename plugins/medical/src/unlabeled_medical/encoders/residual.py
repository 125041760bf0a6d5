"""A residual convolutional network on volumes or images of any size.

Source: He et al., CVPR 2016, arXiv:1512.03385 (basic blocks), with the stride of 2 moved to the
first convolution of each stage and no pooling, as suits small volumes. After every layer values
behind a volume's end are zero again, as at any border of a convolution, and statistics are those of
valid voxels. A volume's embedding is therefore the same alone and beside a larger one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from unlabeled.contract import Encoder, Encoding, Output, Tokens
from unlabeled.settings import Settings
from unlabeled_medical.encoders.input import require_input
from unlabeled_medical.encoders.maps import MapEncoder
from unlabeled_medical.encoders.regions import region_means
from unlabeled_medical.encoders.vit import token_places
from unlabeled_medical.encoders.windows import fits_window, mean_over_windows
from unlabeled_medical.volume import Volume, VolumeBatch


class ResidualSettings(Settings):
    channels: int | None = Field(None, ge=1, description="sequences or colours; from the data")
    rank: Literal[2, 3] | None = Field(None, description="axes of the input; from the data")
    widths: tuple[int, ...] = Field(
        (32, 64, 128, 256), min_length=1, description="channels of each stage, finest first"
    )
    blocks: int = Field(1, ge=1, description="residual blocks per stage")
    first_stride: Literal[1, 2] = Field(1, description="2: the first stage halves as well")
    regions: int = Field(4, ge=1, description="parts of each axis in the output `regions`")
    window: int = Field(
        128, ge=1, description="larger volumes are pooled over windows of this side, in voxels"
    )


class Residual(Encoder, MapEncoder):
    """Outputs `pooled`, the mean of the last map; `stages`, the means of all maps; `regions`, these
    means over each region of the volume, for scans that are roughly aligned; and `tokens`, the
    last map, placed in mm. Every stage but perhaps the first halves the resolution."""

    settings_type = ResidualSettings
    centred = False  # a convolution of stride 2 is centred on every second voxel
    settings: ResidualSettings

    def __init__(self, settings: ResidualSettings) -> None:
        """Raises RecipeError if neither the recipe nor the data say channels and rank."""
        super().__init__(settings)
        self.channels, self.rank = require_input(settings.channels, settings.rank)
        self.outputs = (
            Output("pooled", "global", settings.widths[-1]),
            Output("stages", "global", sum(settings.widths)),
            Output("regions", "global", sum(settings.widths) * settings.regions**self.rank),
            Output("tokens", "tokens", settings.widths[-1]),
        )
        self.strides = tuple(settings.first_stride * 2**n for n in range(len(settings.widths)))
        self.map_widths = settings.widths
        befores = (self.channels, *settings.widths)
        self.stages = nn.ModuleList(
            Stage(before, width, self.rank, settings.blocks, 2 if number else settings.first_stride)
            for number, (before, width) in enumerate(zip(befores, settings.widths, strict=False))
        )

    def collate(self, samples: Sequence[Volume]) -> VolumeBatch:
        """Raises ShapeError for another number of channels or axes."""
        return VolumeBatch.of(samples, self.channels, self.rank)

    def _encode(self, batch: VolumeBatch, output: str) -> Encoding:
        if output == "tokens":
            values, valid = self._staged(batch)[-1]
            places = token_places(batch, (self.strides[-1],) * self.rank, centred=False)
            return Tokens(values.flatten(2).transpose(1, 2), valid.flatten(1), places)
        if output == "regions":
            return region_means(
                self.maps,
                self.strides,
                batch,
                regions=self.settings.regions,
                side=self.settings.window,
            )
        if fits_window(batch, self.settings.window):
            means = self._means(batch)[0]
        else:
            means = mean_over_windows(self._means, batch, self.settings.window)
        return means if output == "stages" else means[:, -self.settings.widths[-1] :]

    def _means(self, batch: VolumeBatch) -> tuple[Tensor, Tensor]:
        """The means of all maps, (N, sum of widths), and the voxels that they are over, (N,)."""
        means = [mean_of_map(values, valid) for values, valid in self._staged(batch)]
        return torch.cat(means, dim=1), batch.valid.flatten(1).sum(dim=1)

    def maps(self, batch: VolumeBatch) -> list[Tensor]:
        """The feature map of each stage, finest first: (N, D, *S / stride)."""
        return [values for values, _ in self._staged(batch)]

    def _staged(self, batch: VolumeBatch) -> list[tuple[Tensor, Tensor]]:
        x, valid = batch.values, batch.valid
        found = []
        for stage in self.stages:
            x, valid = stage(x, valid)
            found.append((x, valid))
        return found

    def preprocessing(self) -> Mapping[str, Any]:
        return {"channels": self.channels, "rank": self.rank}


class Stage(nn.Module):
    """Residual blocks of one width; the first one changes the resolution."""

    def __init__(self, before: int, width: int, rank: int, blocks: int, stride: int) -> None:
        super().__init__()
        first = Block(before, width, rank, stride)
        self.blocks = nn.ModuleList(
            [first, *(Block(width, width, rank) for _ in range(blocks - 1))]
        )

    def forward(self, x: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
        """x, valid: (N, C, *S) and (N, *S), as `Block.forward`."""
        for block in self.blocks:
            x, valid = block(x, valid)
        return x, valid


class Block(nn.Module):
    """relu(x + norm(conv(relu(norm(conv(x)))))), the shortcut a 1-wide convolution if needed."""

    def __init__(self, before: int, width: int, rank: int, stride: int = 1) -> None:
        super().__init__()
        conv = {2: nn.Conv2d, 3: nn.Conv3d}[rank]
        self.stride = stride
        self.first = conv(before, width, 3, self.stride, 1, bias=False)
        self.first_norm = MaskedBatchNorm(width)
        self.second = conv(width, width, 3, 1, 1, bias=False)
        self.second_norm = MaskedBatchNorm(width)
        changed = stride > 1 or before != width
        self.shortcut = conv(before, width, 1, stride) if changed else None

    def forward(self, x: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
        """x: (N, C, *S), zero where not valid (N, *S). Returns both at the new resolution."""
        steps = (slice(None), *[slice(None, None, self.stride)] * (x.ndim - 2))
        valid = valid[steps]
        inner = self.first_norm(self.first(x), valid).relu()
        inner = self.second_norm(self.second(inner), valid)
        short = x if self.shortcut is None else self.shortcut(x) * valid.unsqueeze(1)
        return (inner + short).relu(), valid


class MaskedBatchNorm(nn.Module):
    """Batch norm over the valid places only; the others become zero."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(width)

    def forward(self, x: Tensor, valid: Tensor) -> Tensor:
        """x: (N, D, *S); valid: (N, *S)."""
        rows = x.movedim(1, -1).flatten(0, -2)
        if not self.training:
            # The statistics are fixed, so no branch may depend on the data: graphs are exported.
            normed = torch.where(valid.flatten().unsqueeze(1), self.norm(rows), 0)
        elif valid.all():
            normed = self.norm(rows)
        else:
            places = valid.flatten().nonzero().squeeze(1)
            known = self.norm(rows.index_select(0, places))
            normed = torch.zeros_like(rows, dtype=known.dtype).index_copy(0, places, known)
        out: Tensor = normed.reshape(*valid.shape, -1).movedim(-1, 1)
        return out


def mean_of_map(values: Tensor, valid: Tensor) -> Tensor:
    """(N, D): the mean over the valid places of (N, D, *S)."""
    places = valid.unsqueeze(1).flatten(2)
    return (values.flatten(2) * places).sum(dim=2) / places.sum(dim=2).clamp(min=1)
