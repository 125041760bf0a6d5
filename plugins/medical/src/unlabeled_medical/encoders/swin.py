"""The Swin transformer encoder of SwinUNETR, which loads and writes MONAI's weights.

Source: Hatamizadeh et al. 2022, arXiv:2201.01266; pretrained in Tang et al., CVPR 2022,
arXiv:2111.14791. The network is MONAI's. Shifted windows would mix a volume with its padding, so
each size of volumes is encoded by itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from unlabeled.contract import Encoder, Encoding, Output, Tokens
from unlabeled.settings import Settings
from unlabeled_medical.encoders.input import require_input
from unlabeled_medical.encoders.maps import MapEncoder, sizes_of
from unlabeled_medical.encoders.vit import token_places
from unlabeled_medical.volume import Volume, VolumeBatch

PATCH = 2
STEP = 32
"""Voxels per place of the last map: a patch of 2, halved by four mergings."""


class SwinSettings(Settings):
    """The defaults are SwinUNETR's for volumes."""

    channels: int | None = Field(None, ge=1, description="sequences or colours; from the data")
    rank: Literal[2, 3] | None = Field(None, description="axes of the input; from the data")
    width: int = Field(48, ge=12, multiple_of=12, description="width of the first stage")
    depths: tuple[int, int, int, int] = Field((2, 2, 2, 2), description="blocks per stage")
    heads: tuple[int, int, int, int] = Field((3, 6, 12, 24), description="heads per stage")
    window: int = Field(7, ge=1, description="side of the attention windows, in tokens")


class Swin(Encoder, MapEncoder):
    """Outputs `pooled`, the mean of the last map over the volume, and `tokens`, placed in mm."""

    settings_type = SwinSettings
    centred = True
    settings: SwinSettings

    def __init__(self, settings: SwinSettings) -> None:
        """Raises RecipeError if neither the recipe nor the data say channels and rank."""
        super().__init__(settings)
        from monai.networks.nets.swin_unetr import SwinTransformer

        self.channels, self.rank = require_input(settings.channels, settings.rank)
        width = 16 * settings.width
        self.strides = (2, 4, 8, 16, 32)
        self.map_widths = tuple(settings.width * 2**n for n in range(5))
        self.outputs = (Output("pooled", "global", width), Output("tokens", "tokens", width))
        with torch.device("cpu"):  # MONAI reads values from a tensor in its constructor
            self.swin = SwinTransformer(
                in_chans=self.channels,
                embed_dim=settings.width,
                window_size=(settings.window,) * self.rank,
                patch_size=(PATCH,) * self.rank,
                depths=settings.depths,
                num_heads=settings.heads,
                spatial_dims=self.rank,
            )

    def collate(self, samples: Sequence[Volume]) -> VolumeBatch:
        """Raises ShapeError for another number of channels or axes."""
        return VolumeBatch.of(samples, self.channels, self.rank)

    def _encode(self, batch: VolumeBatch, output: str) -> Encoding:
        flat, there = self._last(batch)
        if output == "tokens":
            return Tokens(flat, there, token_places(batch, (STEP,) * self.rank))
        return flat.sum(dim=1) / there.sum(dim=1, keepdim=True)

    def _last(self, batch: VolumeBatch) -> tuple[Tensor, Tensor]:
        """The last map as tokens, (N, L, D), zero where they are padding, (N, L) bool."""
        if torch.compiler.is_exporting():  # a graph cannot sort by size: it takes no padding
            size = [ceil_to(length, STEP) for length in batch.values.shape[2:]]
            whole = self.run(batch.values, size)[-1].flatten(2).transpose(1, 2)
            return whole, torch.ones_like(whole[..., 0], dtype=torch.bool)
        grids = -(-sizes_of(batch.valid) // STEP)
        largest = [-(-length // STEP) for length in batch.values.shape[2:]]
        values = batch.values.new_zeros(len(batch.values), self.outputs[0].width, *largest)
        valid = torch.zeros(len(values), *largest, dtype=torch.bool, device=values.device)
        for grid, rows in _by_size(grids).items():
            last = self.run(batch.values[rows], [STEP * length for length in grid])[-1]
            values = values.to(last.dtype)
            for row, place in enumerate(rows.tolist()):
                box = [slice(length) for length in grid]
                values[place][(slice(None), *box)] = last[row]
                valid[place][tuple(box)] = True
        return values.flatten(2).transpose(1, 2), valid.flatten(1)

    def maps(self, batch: VolumeBatch) -> list[Tensor]:
        """The five feature maps, finest first: (N, D, *S / stride), S filled up to multiples of
        32; padding takes part in attention."""
        size = [ceil_to(length, STEP) for length in batch.values.shape[2:]]
        return self.run(batch.values, size)

    def run(self, x: Tensor, size: Sequence[int]) -> list[Tensor]:
        """The five feature maps of x (N, C, *S), cut or filled up to `size`, multiples of 32."""
        x = x[(slice(None), slice(None), *[slice(length) for length in size])]
        missing = [length - s for length, s in zip(size, x.shape[2:], strict=True)]
        x = F.pad(x, [side for m in reversed(missing) for side in (0, m)])
        found: list[Tensor] = self.swin(x)
        return found

    def preprocessing(self) -> Mapping[str, Any]:
        return {"channels": self.channels, "rank": self.rank, "multiple": STEP}


@dataclass(frozen=True, slots=True)
class Matched:
    """loaded: names of loaded weights; other: in the file, but not here or of another shape;
    missing: here, but not in the file."""

    loaded: tuple[str, ...]
    other: tuple[str, ...]
    missing: tuple[str, ...]


PREFIXES = ("module.swinViT.", "module.swin_vit.", "swinViT.", "swin_vit.", "module.", "")
"""Names of the same network in releases of SwinUNETR."""


def load_monai(encoder: Swin, weights: Mapping[str, Tensor]) -> Matched:
    """Load the encoder's weights from a SwinUNETR state dict, and list which ones fit."""
    own = encoder.swin.state_dict()
    found, other = {}, []
    for name, value in weights.items():
        bare = next(name[len(p) :] for p in PREFIXES if name.startswith(p))
        bare = bare.replace("mlp.fc", "mlp.linear")
        if bare in own and own[bare].shape == value.shape:
            found[bare] = value
        else:
            other.append(name)
    encoder.swin.load_state_dict(found, strict=False)
    missing = tuple(name for name in own if name not in found)
    return Matched(tuple(found), tuple(other), missing)


def to_monai(encoder: Swin) -> dict[str, Tensor]:
    """The weights as `monai.networks.nets.SwinUNETR.load_state_dict(..., strict=False)` takes
    them."""
    return {f"swinViT.{name}": value for name, value in encoder.swin.state_dict().items()}


def ceil_to(length: int, step: int) -> int:
    """The next multiple of `step`. Without negative numbers, whose quotient ONNX rounds to zero."""
    return (length + step - 1) // step * step


def _by_size(grids: Tensor) -> dict[tuple[int, ...], Tensor]:
    rows: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for row, grid in enumerate(grids.tolist()):
        rows[tuple(grid)].append(row)
    return {grid: torch.tensor(members, device=grids.device) for grid, members in rows.items()}
