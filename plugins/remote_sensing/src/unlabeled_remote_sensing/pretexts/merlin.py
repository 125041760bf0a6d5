"""MERLIN: learn to remove speckle from one part of a complex radar image by asking the other.

Source: Dalsasso, Denis, Tupin, IEEE TGRS 2021, arXiv:2110.13148. Under fully developed speckle the
real and the imaginary part of a pixel are independent, each N(0, R / 2), R the reflectivity. The
network sees one part and predicts R; the likelihood of the other part judges it:

    loss = mean over pixels of [ log R / 2 + b² / R ]

Departs from the authors' code: both directions in every step instead of taking turns, a plain mean
instead of one divided by the batch size once more, and no constant added to R, which would depend
on the unit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from unlabeled.contract import Encoder, Loss, Pretext
from unlabeled.distributed import global_mean
from unlabeled.errors import RecipeError
from unlabeled.objectives.checks import full_precision
from unlabeled.randomness import Draw
from unlabeled.settings import Settings
from unlabeled_remote_sensing.encoders.despeckler import ComplexBatch, Despeckler, lattice
from unlabeled_remote_sensing.raster import Layer, Raster


class MerlinSettings(Settings):
    symmetrise: bool = Field(
        True, description="centre the spectrum of each window, so that its parts are independent"
    )


class Merlin(Pretext):
    """A restoration: its result is an image. Needs the despeckler and complex scenes."""

    settings_type = MerlinSettings
    settings: MerlinSettings
    encoder: Despeckler
    kind: ClassVar[Literal["representation", "restoration"]] = "restoration"

    def __init__(self, settings: MerlinSettings, encoder: Encoder) -> None:
        """Raises RecipeError for another encoder."""
        if not isinstance(encoder, Despeckler):
            raise RecipeError(
                f"encoder: MERLIN needs remote_sensing/despeckler, found {type(encoder).__name__}"
            )
        super().__init__(settings, encoder)

    def example(self, sample: Raster, draw: Draw) -> Raster:
        """The window with a centred spectrum, thinned out at random phase, flipped at random."""
        rng = draw.rng("merlin")
        if self.settings.symmetrise:
            sample = symmetrised(sample, self.encoder.sensor)
        step = min(self.encoder.settings.subsample, *sample.shape)
        sample = lattice(sample, step, *(int(rng.integers(step)) for _ in range(2)))
        rows, columns = (slice(None, None, int(rng.choice((-1, 1)))) for _ in range(2))
        # Where a window lies does not matter here, so its transform is left alone.
        return sample.rearranged(lambda x: x[..., rows, columns], (1.0, 0.0, 0.0, 0.0, 1.0, 0.0))

    def collate(self, examples: Sequence[Raster]) -> ComplexBatch:
        return self.encoder.collate(examples)

    def forward(self, batch: ComplexBatch) -> Loss:
        total = sum(
            speckle_loss(self.encoder.log_reflectivity(seen), asked, batch.valid)
            for seen, asked in (
                (batch.real, batch.imaginary),
                (batch.imaginary, batch.real),
            )
        )
        return Loss(torch.as_tensor(total) / 2)


@full_precision
def speckle_loss(log_reflectivity: Tensor, part: Tensor, valid: Tensor) -> Tensor:
    """-log N(part; 0, R / 2) but for constants, averaged over the valid pixels of all processes.

    All (N, H, W). Smallest where R is the mean of 2 part².
    """
    likelihood = log_reflectivity / 2 + part.square() * (-log_reflectivity).exp()
    return global_mean(likelihood, valid.to(likelihood.dtype))


def symmetrised(sample: Raster, sensor: str) -> Raster:
    """The image with its spectrum shifted to the centre along both axes."""
    layer = sample.layers[sensor]
    spectrum = np.fft.fftshift(np.fft.fft2(layer.values[0]))
    magnitude = np.abs(spectrum)
    shifts = [centring_shift(magnitude.mean(axis=1 - axis)) for axis in (0, 1)]
    centred = np.fft.ifft2(np.fft.ifftshift(np.roll(spectrum, shifts, axis=(0, 1))))
    values = np.where(layer.valid, centred, 0)[None].astype(np.complex64)
    return Raster(
        {sensor: Layer(values, layer.valid)},
        sample.transform,
        sample.crs,
        sample.metres_per_pixel,
    )


def centring_shift(profile: np.ndarray) -> int:
    """By how many bins to roll a spectrum's profile (n,) so that it is even about bin n // 2.

    The profile is correlated with its own reversal; of the two shifts that the best lag allows,
    half a circle apart, the one with more energy under a central window is taken.
    """
    n = len(profile)
    transform = np.fft.fft(profile)
    # c[d] = sum_k p[k] p[d - k]: highest at twice the place of the axis of symmetry.
    lag = int(np.argmax(np.fft.ifft(transform * transform).real))
    centre = np.exp(-0.5 * ((np.arange(n) - n // 2) / (0.2 * n)) ** 2)
    candidates = [round(n // 2 - lag / 2), round(n // 2 - lag / 2 + n / 2)]
    return max(candidates, key=lambda shift: float((np.roll(profile, shift) * centre).sum()))
