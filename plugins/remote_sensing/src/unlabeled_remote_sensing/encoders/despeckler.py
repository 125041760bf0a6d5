"""A residual U-Net that predicts reflectivity from one part of a complex radar image.

Source: Dalsasso, Denis, Tupin, MERLIN, IEEE TGRS 2021, arXiv:2110.13148; the network is that of
Lehtinen et al., Noise2Noise, ICML 2018, arXiv:1803.04189, without normalisation layers.

Departs from the authors' code, whose network sees the logarithm of each pixel, normalised by
constants of the sensor, and corrects it:
- Ours gets differences of logarithms of means over growing squares, and corrects one of these
  means. Twice the mean of part² is the best estimate of a constant reflectivity, which a
  convolution of logarithms cannot find. The inputs are ratios, so a scene c times as bright has
  exactly c times the reflectivity: the result depends on no constant of the sensor, no unit, and no
  level of the training data.
- The two parts' reflectivities are joined by their harmonic mean, there by the arithmetic one: what
  the loss makes right on average is part² / R, so 1 / R is what may be averaged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from lightning_fabric.utilities import move_data_to_device
from pydantic import Field
from torch import Tensor, nn

from unlabeled.contract import Encoder, Output, Tokens
from unlabeled.errors import RecipeError, ShapeError
from unlabeled.settings import Settings
from unlabeled_remote_sensing.encoders.raster_batch import RasterBatch, token_places
from unlabeled_remote_sensing.encoders.spectrum import symmetrised
from unlabeled_remote_sensing.raster import Layer, Raster
from unlabeled_remote_sensing.sensors import Sensor

LEVELS = 5
DARKEST = 0.01
"""Of a pixel beside the smallest mean around it."""


class DespecklerSettings(Settings):
    sensors: dict[str, Sensor] | None = Field(None, description="from the reader if unset; one")
    width: int = Field(48, ge=3, multiple_of=3, description="channels of the first level")
    scales: tuple[int, ...] = Field(
        (3, 9, 27), min_length=1, description="odd sides, growing, of the squares that are averaged"
    )
    subsample: int = Field(
        1, ge=1, description="take every so many pixels, where neighbours' speckle is correlated"
    )
    symmetrise: bool = Field(
        True, description="centre the spectrum of each window, so that its parts are independent"
    )


@dataclass(slots=True)
class ComplexBatch:
    """real, imaginary: (N, H, W) amplitudes, 0 where not valid; valid: (N, H, W) bool;
    transform: (N, 6) float64."""

    real: Tensor
    imaginary: Tensor
    valid: Tensor
    transform: Tensor


class Despeckler(Encoder):
    """Output `pixels`: one token per pixel, its log reflectivity (natural, of intensity)."""

    settings_type = DespecklerSettings
    settings: DespecklerSettings

    def __init__(self, settings: DespecklerSettings) -> None:
        """Raises RecipeError unless there is exactly one sensor."""
        super().__init__(settings)
        if not settings.sensors or len(settings.sensors) != 1:
            found = ", ".join(settings.sensors or ()) or "none"
            raise RecipeError(f"encoder.sensors: expected one complex sensor, found {found}")
        (self.sensor,) = settings.sensors
        self.outputs = (Output("pixels", "tokens", 1),)
        self.network = ResidualUNet(len(settings.scales), settings.width)

    def collate(self, samples: Sequence[Raster]) -> ComplexBatch:
        """Raises ShapeError for samples that are not complex, or have several bands."""
        for sample in samples:
            layer = sample.layers[self.sensor]
            if not np.iscomplexobj(layer.values) or len(layer.values) != 1:
                raise ShapeError(
                    f"sensor {self.sensor}: expected one complex band, found {layer.values.dtype} "
                    f"{layer.values.shape}; use the reader remote_sensing/complex_scenes"
                )
        batch = RasterBatch.of(
            [_parts(sample, self.sensor) for sample in samples],
            {self.sensor: Sensor(bands=("real", "imaginary"))},
        )
        real, imaginary = batch.values[self.sensor].unbind(dim=1)
        return ComplexBatch(real, imaginary, batch.valid[self.sensor], batch.transform)

    def prepared(self, sample: Raster) -> Raster:
        """The input image of the network, with a centred spectrum if that is set."""
        return symmetrised(sample, self.sensor) if self.settings.symmetrise else sample

    def log_reflectivity(self, part: Tensor, valid: Tensor) -> Tensor:
        """part: (N, H, W), real or imaginary amplitudes; valid: (N, H, W). Returns (N, H, W)."""
        # The mean of this is R.
        intensity = 2 * part.square() * valid
        means = [_log_mean(intensity, valid, side) for side in self.settings.scales]
        # An amplitude may be nearly 0.
        pixel = (intensity * (-means[0]).exp() + DARKEST).log()
        seen = [pixel, *(fine - coarse for fine, coarse in pairwise(means))]
        correction = self.network(torch.stack(seen, dim=1) * valid.unsqueeze(1)).squeeze(1)
        found: Tensor = means[len(means) // 2] + correction
        return found

    def reflectivity(self, batch: ComplexBatch) -> Tensor:
        """The joint estimate of both parts, (N, H, W)."""
        parts = (batch.real, batch.imaginary)
        logs = torch.stack([self.log_reflectivity(part, batch.valid) for part in parts])
        return 1 / (-logs).exp().mean(dim=0)

    def _encode(self, batch: ComplexBatch, output: str) -> Tokens:  # noqa: ARG002 - there is one
        """Both parts restored, and their reflectivities averaged."""
        values = self.reflectivity(batch).log().flatten(1).unsqueeze(-1)
        places = RasterBatch({}, {"": batch.valid}, batch.transform)
        return Tokens(values, batch.valid.flatten(1), token_places(places, 1))

    @torch.no_grad()
    def restore(self, sample: Raster) -> Raster:
        """The reflectivity, float32 (1, H, W), in units of the squared amplitude.

        With `subsample` each of the interleaved lattices is restored on its own.
        """
        sample = self.prepared(sample)
        layer = sample.layers[self.sensor]
        step = min(self.settings.subsample, *sample.shape)
        values = np.zeros(layer.values.shape, dtype=np.float32)
        device = next(self.parameters()).device
        for row in range(step):
            for column in range(step):
                batch = self.collate([lattice(sample, step, row, column)])
                batch = move_data_to_device(batch, device)
                values[0, row::step, column::step] = self.reflectivity(batch)[0].cpu().numpy()
        restored = Layer(np.where(layer.valid, values, 0), layer.valid)
        return Raster(
            {self.sensor: restored}, sample.transform, sample.crs, sample.metres_per_pixel
        )

    def preprocessing(self) -> Mapping[str, Any]:
        return {
            "sensor": self.sensor,
            "unit": "complex amplitude",
            "scales": list(self.settings.scales),
            "subsample": self.settings.subsample,
            "spectrum": "centred" if self.settings.symmetrise else "as it is",
        }


class ResidualUNet(nn.Module):
    """(N, C, H, W) -> (N, 1, H, W), of any size; nearly 0 before anything is learned."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        wide, narrow, last = 2 * width, 4 * width // 3, 2 * width // 3
        sizes = {
            "enc0": (channels, width),
            **{f"enc{level}": (width, width) for level in range(1, LEVELS + 2)},
            "dec5": (wide, wide),
            "dec5b": (wide, wide),
            **{f"dec{level}": (wide + width, wide) for level in (4, 3, 2)},
            **{f"dec{level}b": (wide, wide) for level in (4, 3, 2)},
            "dec1a": (wide + channels, narrow),
            "dec1b": (narrow, last),
            "dec1": (last, 1),
        }
        for name, (inner, outer) in sizes.items():
            self.add_module(name, nn.Conv2d(inner, outer, 3, padding=1))
        for name in sizes:
            layer = self.get_submodule(name)
            assert isinstance(layer, nn.Conv2d)
            nn.init.kaiming_normal_(layer.weight, a=0.1)
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)
            # The same numbers in an order that is a quarter faster on processors.
            ordered = layer.weight.detach().contiguous(memory_format=torch.channels_last)
            layer.weight = nn.Parameter(ordered)
        nn.init.normal_(self.get_parameter("dec1.weight"), std=1e-3)

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        side = 2**LEVELS
        x = _reflected(x, -height % side, -width % side)
        kept = [x]
        y = self._layer("enc1", self._layer("enc0", x))
        for level in range(1, LEVELS + 1):
            y = F.max_pool2d(y if level == 1 else self._layer(f"enc{level}", y), 2)
            kept.append(y)
        y = self._layer(f"enc{LEVELS + 1}", y)
        for level in range(LEVELS, 1, -1):
            y = torch.cat([_twice(y), kept[level - 1]], dim=1)
            y = self._layer(f"dec{level}b", self._layer(f"dec{level}", y))
        y = self._layer("dec1b", self._layer("dec1a", torch.cat([_twice(y), kept[0]], dim=1)))
        residual: Tensor = self.get_submodule("dec1")(y)
        return residual[..., :height, :width]

    def _layer(self, name: str, x: Tensor) -> Tensor:
        return F.leaky_relu(self.get_submodule(name)(x), 0.1)


def lattice(raster: Raster, step: int, row: int, column: int) -> Raster:
    """Every `step`-th pixel from (row, column) on."""
    moved = (float(step), 0.0, float(column), 0.0, float(step), float(row))
    return raster.rearranged(lambda x: x[..., row::step, column::step], moved)


def _log_mean(intensity: Tensor, valid: Tensor, side: int) -> Tensor:
    """Logarithm of the mean of valid pixels within `side` × `side`, (N, H, W) each."""
    both = torch.stack([intensity, valid.to(intensity.dtype)], dim=1)
    total, count = F.avg_pool2d(both, side, stride=1, padding=side // 2).unbind(dim=1)
    tiny = torch.finfo(total.dtype).tiny
    return (total / count.clamp(min=tiny)).clamp(min=tiny).log()


def _parts(sample: Raster, sensor: str) -> Raster:
    values, valid = sample.layers[sensor].values, sample.layers[sensor].valid
    parts = np.concatenate([values.real, values.imag])
    return Raster({sensor: Layer(parts, valid)}, sample.transform)


def _twice(x: Tensor) -> Tensor:
    # Not F.interpolate, whose backward is not deterministic on CUDA.
    return x.repeat_interleave(2, dim=-2).repeat_interleave(2, dim=-1)


def _reflected(x: Tensor, bottom: int, right: int) -> Tensor:
    """Pad by reflection, repeatedly where the image is smaller than the padding."""
    rows = _bounce(x.shape[-2], bottom, x.device)
    columns = _bounce(x.shape[-1], right, x.device)
    return x.index_select(-2, rows).index_select(-1, columns)


def _bounce(length: int, more: int, device: torch.device) -> Tensor:
    place = torch.arange(length + more, device=device)
    period = max(2 * length - 2, 1)
    folded = place % period
    return torch.where(folded < length, folded, period - folded)
