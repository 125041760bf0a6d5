"""MERLIN: learn despeckling by predicting one part of a complex radar image from the other.

Source: Dalsasso, Denis, Tupin, IEEE TGRS 2021, arXiv:2110.13148. Under fully developed speckle the
real and the imaginary part of a pixel are independent, each N(0, R / 2), R the reflectivity. The
network sees one part and predicts R; the loss is the negative log-likelihood of the other part:

    loss = mean over pixels of [ log R / 2 + b² / R ]

Speckle is multiplicative, so a scene times any gain is a scene of another reflectivity, whose parts
are still independent. A share of the windows is multiplied by random fields, strips and spots, so
that training on homogeneous scenes also covers edges (ours, not the paper's).

Departs from the authors' code: both directions in every step instead of taking turns, a plain mean
instead of one divided by the batch size once more, and no constant added to R, which would depend
on the unit.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from unlabeled.contract import Encoder, Loss, Pretext, Previews, Reader, ShowsWork, Work
from unlabeled.data.items import Item
from unlabeled.distributed import global_mean
from unlabeled.errors import RecipeError
from unlabeled.objectives.checks import full_precision
from unlabeled.randomness import Draw
from unlabeled.settings import Settings
from unlabeled_remote_sensing.encoders.despeckler import ComplexBatch, Despeckler, lattice
from unlabeled_remote_sensing.outputs.scenes import despeckle_scene
from unlabeled_remote_sensing.raster import Raster
from unlabeled_remote_sensing.readers.scenes import Scenes


class MerlinSettings(Settings):
    structures: float = Field(
        0.5, ge=0, le=1, description="share of windows that get random fields, strips and spots"
    )


class Merlin(Pretext, ShowsWork):
    """A restoration: its result is an image. Needs the despeckler and complex scenes."""

    settings_type = MerlinSettings
    settings: MerlinSettings
    encoder: Despeckler
    kind: ClassVar[Literal["representation", "restoration"]] = "restoration"
    restores_to: ClassVar[str] = ".tif"

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
        sample = self.encoder.prepared(sample)
        step = min(self.encoder.settings.subsample, *sample.shape)
        sample = lattice(sample, step, *(int(rng.integers(step)) for _ in range(2)))
        rows, columns = (slice(None, None, int(rng.choice((-1, 1)))) for _ in range(2))
        # Where a window lies does not matter here, so its transform is left alone.
        sample = sample.rearranged(lambda x: x[..., rows, columns], (1.0, 0.0, 0.0, 0.0, 1.0, 0.0))
        if rng.random() >= self.settings.structures:
            return sample
        gain = random_gain(rng, sample.shape)
        return sample.with_values(lambda _, values: values * gain)

    def collate(self, examples: Sequence[Raster]) -> ComplexBatch:
        return self.encoder.collate(examples)

    def forward(self, batch: ComplexBatch) -> Loss:
        total = sum(
            speckle_loss(self.encoder.log_reflectivity(seen, batch.valid), asked, batch.valid)
            for seen, asked in (
                (batch.real, batch.imaginary),
                (batch.imaginary, batch.real),
            )
        )
        return Loss(torch.as_tensor(total) / 2, count=batch.valid.sum())

    @torch.inference_mode()
    def show_work(self, item: Item, sample: Raster, draw: Draw, reader: Previews) -> Work:  # noqa: ARG002
        """The single look and what is made of it; nobody knows what was there."""
        restored = self.encoder.restore(sample)
        # As amplitudes, so that the reader draws both in its unit.
        restored = restored.with_values(lambda _, values: np.sqrt(values).astype(np.complex64))
        columns = {"single look": sample, "despeckled": restored}
        return Work(tuple((n, tuple(reader.previews(item, x))) for n, x in columns.items()))

    @classmethod
    def restore(cls, encoder: Encoder, reader: Reader, item: Item, out: Path) -> None:
        """Write the scene's reflectivity, in units of the squared amplitude, as a GeoTIFF."""
        assert isinstance(encoder, Despeckler)
        assert isinstance(reader, Scenes)
        despeckle_scene(encoder, reader, item, out)


def random_gain(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Amplitude gains, (H, W) float32: brighter and darker fields and strips, bright spots."""
    row, column = np.mgrid[: shape[0], : shape[1]]
    log_gain = np.zeros(shape)
    for _ in range(int(rng.integers(1, 6))):
        log_gain += rng.normal() * (_signed_distance(rng, row, column) > 0)
    for _ in range(int(rng.integers(3))):
        width = rng.uniform(0.5, 4)
        log_gain += rng.normal() * (np.abs(_signed_distance(rng, row, column)) < width)
    for _ in range(int(rng.integers(8))):
        top, left = (int(rng.integers(length)) for length in shape)
        height, width = rng.integers(1, 5, 2)
        log_gain[top : top + height, left : left + width] += rng.uniform(0, 4)
    # Of intensities, in nats; amplitudes have half.
    return np.exp(log_gain / 2).astype(np.float32)


def _signed_distance(rng: np.random.Generator, row: np.ndarray, column: np.ndarray) -> np.ndarray:
    """In pixels, from a straight line through a random pixel in a random direction."""
    angle = rng.uniform(0, 2 * np.pi)
    top, left = (rng.uniform(0, length) for length in row.shape)
    return np.asarray(np.cos(angle) * (row - top) + np.sin(angle) * (column - left))


@full_precision
def speckle_loss(log_reflectivity: Tensor, part: Tensor, valid: Tensor) -> Tensor:
    """-log N(part; 0, R / 2) but for constants, averaged over the valid pixels of all processes.

    All (N, H, W). Smallest where R is the mean of 2 part².
    """
    likelihood = log_reflectivity / 2 + part.square() * (-log_reflectivity).exp()
    return global_mean(likelihood, valid.to(likelihood.dtype))
