"""A linear map of the voxels of scans that lie on one grid.

For functional MRI of one person, where a voxel is the same place in every scan and patterns over
voxels are decoded (Haxby et al., Science 2001). A scan is averaged over a grid of regions, which
are its voxels where the grid is as fine as the scan, and mapped linearly. Trained by VICReg without
an expander on noisy copies, its outputs become uncorrelated and of unit variance: the map whitens
the signal above the noise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from unlabeled.contract import Encoder, Encoding, Output
from unlabeled.errors import RecipeError
from unlabeled.settings import Settings
from unlabeled_medical.encoders.input import require_input
from unlabeled_medical.encoders.maps import sizes_of
from unlabeled_medical.encoders.regions import shares_of
from unlabeled_medical.volume import Volume, VolumeBatch


class LinearSettings(Settings):
    channels: int | None = Field(None, ge=1, description="sequences or colours; from the data")
    rank: Literal[2, 3] | None = Field(None, description="axes of the input; from the data")
    grid: int | tuple[int, ...] = Field(
        8, description="regions along each axis; one number, or one per axis"
    )
    width: int = Field(128, ge=1, description="of the embedding")


class Linear(Encoder):
    """Output `pooled`: W x, x the means over the regions; only W is learned."""

    settings_type = LinearSettings
    settings: LinearSettings

    def __init__(self, settings: LinearSettings) -> None:
        """Raises RecipeError for another rank than the grid's, or if channels and rank are
        unknown."""
        super().__init__(settings)
        self.channels, self.rank = require_input(settings.channels, settings.rank)
        grid = settings.grid
        self.grid = (grid,) * self.rank if isinstance(grid, int) else grid
        if len(self.grid) != self.rank or min(self.grid) < 1:
            found = f"for {self.rank} axes of the data {self.grid}"
            raise RecipeError(f"encoder.grid: expected regions along each axis, found {found}")
        self.outputs = (Output("pooled", "global", settings.width),)
        self.map = nn.Linear(self.channels * prod(self.grid), settings.width, bias=False)

    def collate(self, samples: Sequence[Volume]) -> VolumeBatch:
        """Raises ShapeError for another number of channels or axes."""
        return VolumeBatch.of(samples, self.channels, self.rank)

    def _encode(self, batch: VolumeBatch, output: str) -> Encoding:  # noqa: ARG002 - the only one
        lengths, values = sizes_of(batch.valid), batch.values
        for axis, regions in enumerate(self.grid):
            edges = torch.arange(values.shape[axis + 2] + 1, device=values.device)
            shares = shares_of(edges, lengths[:, axis], regions).to(values.dtype)
            turned = torch.einsum("n...g,nrg->n...r", values.movedim(axis + 2, -1), shares)
            values = turned.movedim(-1, axis + 2)
        rows: Tensor = self.map(values.flatten(1))
        return rows

    def preprocessing(self) -> Mapping[str, Any]:
        return {"channels": self.channels, "rank": self.rank, "grid": list(self.grid)}
