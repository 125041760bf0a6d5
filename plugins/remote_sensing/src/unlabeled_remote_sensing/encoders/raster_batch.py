"""Rasters joined into one batch: padded to one size, sensor by sensor, and normalised.

Letters: N batch, C bands, H W pixels, L tokens.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from unlabeled.encoders.patches import grid_of
from unlabeled.encoders.positions import grid_positions
from unlabeled.errors import RecipeError, ShapeError
from unlabeled_remote_sensing.raster import Raster
from unlabeled_remote_sensing.sensors import Sensor


@dataclass(slots=True)
class RasterBatch:
    """values: (N, C, H, W) float32 of each sensor, in its unit; valid: (N, H, W) bool, False in
    padding, without data and where the sensor is missing; transform: (N, 6) float64."""

    values: dict[str, Tensor]
    valid: dict[str, Tensor]
    transform: Tensor

    @classmethod
    def of(cls, rasters: Sequence[Raster], sensors: Mapping[str, Sensor]) -> RasterBatch:
        """Padding comes below and on the right. Raises ShapeError for another number of bands."""
        height, width = np.max([raster.shape for raster in rasters], axis=0)
        values, valid = {}, {}
        for name, sensor in sensors.items():
            shape = (len(rasters), len(sensor.bands), int(height), int(width))
            values[name] = torch.zeros(shape)
            valid[name] = torch.zeros(shape[0], *shape[2:], dtype=torch.bool)
            for row, raster in enumerate(rasters):
                if name in raster.layers:
                    _place(raster, name, values[name][row], valid[name][row])
        places = torch.tensor([raster.transform for raster in rasters], dtype=torch.float64)
        return cls(values, valid, places)

    def holds(self, sensors: Sequence[str]) -> Tensor:
        """Which rasters have data of at least one of the sensors, (N,) bool."""
        found = [self.valid[name].flatten(1).any(dim=1) for name in sensors]
        return torch.stack(found).any(dim=0)


def _place(raster: Raster, name: str, values: Tensor, valid: Tensor) -> None:
    layer = raster.layers[name]
    if len(layer.values) != len(values):
        raise ShapeError(
            f"sensor {name}: expected {len(values)} bands, found {len(layer.values)}; "
            "reader and encoder must declare the same sensors"
        )
    height, width = layer.valid.shape
    values[:, :height, :width] = torch.from_numpy(layer.values)
    valid[:height, :width] = torch.from_numpy(layer.valid)


class BandNormalisation(nn.Module):
    """(x - mean) / std of each band, by the sensors' declared statistics or by estimated ones.

    Fixed numbers, never those of the batch: an embedding must not depend on its neighbours.
    """

    def __init__(self, sensors: Mapping[str, Sensor]) -> None:
        super().__init__()
        self.sensors = dict(sensors)
        for name, sensor in sensors.items():
            mean = sensor.mean or (0.0,) * len(sensor.bands)
            std = sensor.std or (1.0,) * len(sensor.bands)
            self.register_buffer(f"mean_{name}", torch.tensor(mean))
            self.register_buffer(f"std_{name}", torch.tensor(std))

    def forward(self, batch: RasterBatch, name: str) -> Tensor:
        """One sensor's values, (N, C, H, W), 0 where there are no data."""
        mean, std = (self.get_buffer(f"{kind}_{name}")[:, None, None] for kind in ("mean", "std"))
        return torch.where(batch.valid[name].unsqueeze(1), (batch.values[name] - mean) / std, 0)

    def undo(self, values: Tensor, name: str) -> Tensor:
        """Normalised values (C, H, W) in the sensor's unit."""
        mean, std = (self.get_buffer(f"{kind}_{name}")[:, None, None] for kind in ("mean", "std"))
        return values * std + mean

    def calibrate(self, batches: Iterable[RasterBatch]) -> None:
        """Estimate the statistics that are not declared, over valid pixels of all batches."""
        wanted = [n for n, sensor in self.sensors.items() if not (sensor.mean and sensor.std)]
        sums = {name: torch.zeros(3, len(self.sensors[name].bands)).double() for name in wanted}
        for batch in batches if wanted else ():
            for name in wanted:
                pixels = batch.values[name].movedim(1, -1)[batch.valid[name]].double().cpu()
                powers = (torch.ones_like(pixels), pixels, pixels.square())
                sums[name] += torch.stack([power.sum(dim=0) for power in powers])
        for name, (count, total, squares) in sums.items():
            mean = total / count.clamp(min=1)
            variance = (squares / count.clamp(min=1) - mean.square()).clamp(min=0)
            # A constant band is not scaled, which would divide by zero.
            std = torch.where(variance > 0, variance.sqrt(), 1)
            self.get_buffer(f"mean_{name}").copy_(mean)
            self.get_buffer(f"std_{name}").copy_(std)

    def describe(self) -> dict[str, Any]:
        """How input must look, JSON-able."""
        return {
            name: {
                **sensor.model_dump(mode="json"),
                "mean": self.get_buffer(f"mean_{name}").tolist(),
                "std": self.get_buffer(f"std_{name}").tolist(),
            }
            for name, sensor in self.sensors.items()
        }


def token_grid(raster: Raster, name: str, patch: int) -> np.ndarray:
    """Which tokens of one sensor hold data: bool, in the shape of its token grid."""
    rows, columns = grid_of(raster.shape, (patch, patch))
    if name not in raster.layers:
        return np.zeros((rows, columns), dtype=bool)
    height, width = raster.shape
    padded = np.pad(
        raster.layers[name].valid, ((0, rows * patch - height), (0, columns * patch - width))
    )
    return np.asarray(padded.reshape(rows, patch, columns, patch).any(axis=(1, 3)))


def token_places(batch: RasterBatch, patch: int) -> Tensor:
    """Map coordinates (x, y) of the tokens' centres, (N, L, 2) float64, row-major."""
    height, width = next(iter(batch.valid.values())).shape[1:]
    steps = grid_positions(grid_of((height, width), (patch, patch)), batch.transform.device)
    row, column = ((steps.double() + 0.5) * patch).unbind(dim=-1)
    a, b, c, d, e, f = batch.transform.unsqueeze(-1).unbind(dim=1)
    return torch.stack([a * column + b * row + c, d * column + e * row + f], dim=-1)


def require_sensors(sensors: Mapping[str, Sensor] | None) -> dict[str, Sensor]:
    """Raises RecipeError if neither the recipe nor a reader declares them."""
    if not sensors:
        raise RecipeError(
            "encoder.sensors: the encoder must know the sensors and their bands; the scenes "
            "reader declares them, or the recipe does"
        )
    return dict(sensors)
