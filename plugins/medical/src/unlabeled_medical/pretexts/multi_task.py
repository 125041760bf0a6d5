"""Multi-task pretraining: inpainting, rotation prediction, contrast of two corrupted views.

Source: Tang et al., CVPR 2022, arXiv:2111.14791 (SwinUNETR). Two copies of a window are each
turned by a multiple of 90° in the axial plane and corrupted by boxes of noise. The encoder and
three heads, trained with it and then thrown away,

    reconstruct the turned window without the boxes     L1
    tell the turn                                   cross-entropy over 4 classes
    recognise the other copy                        NT-Xent

Departs from the authors' code on purpose: the heads read the mean of the last map, where theirs
read its first two places; the corrupted share is exact, where theirs varies; no blocks are copied
from other samples. Weights may be fixed, as there, or learned (Kendall et al., CVPR 2018).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from unlabeled.contract import Encoder, Loss, Pretext
from unlabeled.distributed import global_mean
from unlabeled.heads import mlp
from unlabeled.objectives.nt_xent import nt_xent_loss
from unlabeled.objectives.weighted_sum import TermWeight, WeightedSum
from unlabeled.randomness import Draw
from unlabeled.settings import Settings
from unlabeled_medical.augmentations.cutout import Cutout
from unlabeled_medical.encoders.maps import UpDecoder, mappable
from unlabeled_medical.volume import Volume, VolumeBatch

TURNS = 4


class MultiTaskSettings(Settings):
    cutout: Cutout = Field(Cutout(share=0.3), description="what is corrupted")
    temperature: float = Field(0.5, gt=0, description="temperature of the contrast")
    projector: tuple[int, ...] = Field((512,), min_length=1, description="of the contrast")
    inpainting: TermWeight = Field(TermWeight(), description="weight of L1")
    rotation: TermWeight = Field(TermWeight(), description="weight of the cross-entropy")
    contrast: TermWeight = Field(TermWeight(), description="weight of NT-Xent")


@dataclass(slots=True)
class Copy:
    """A turned window, its corrupted copy, and the number of quarter turns."""

    seen: Volume
    whole: Volume
    quarters: int


@dataclass(slots=True)
class Copies:
    """The first copies of all samples, then the second: 2 N. quarters: (2 N,) int64."""

    seen: VolumeBatch
    whole: VolumeBatch
    quarters: Tensor


class MultiTask(Pretext):
    """Needs an encoder with feature maps."""

    settings_type = MultiTaskSettings
    settings: MultiTaskSettings
    smallest_batch = 2

    def __init__(self, settings: MultiTaskSettings, encoder: Encoder) -> None:
        """Raises RecipeError if the encoder has no maps."""
        super().__init__(settings, encoder)
        self.map_encoder = mappable(encoder)
        width, stride = self.map_encoder.map_widths[-1], self.map_encoder.strides[-1]
        rank = self.map_encoder.rank
        self.decoder = UpDecoder(width, stride, rank, self.map_encoder.channels)
        self.turn_head = torch.nn.Linear(width, TURNS)
        self.projector = mlp((width, *settings.projector))
        self.weights = WeightedSum(
            {
                "inpainting": settings.inpainting,
                "rotation": settings.rotation,
                "contrast": settings.contrast,
            }
        )

    def example(self, sample: Volume, draw: Draw) -> tuple[Copy, Copy]:
        first, second = (self._copy(sample, draw.rng(view)) for view in (0, 1))
        return first, second

    def collate(self, examples: Sequence[tuple[Copy, Copy]]) -> Copies:
        copies = [copy for copies in zip(*examples, strict=True) for copy in copies]
        return Copies(
            self.encoder.collate([copy.seen for copy in copies]),
            self.encoder.collate([copy.whole for copy in copies]),
            torch.tensor([copy.quarters for copy in copies]),
        )

    def forward(self, batch: Copies) -> Loss:
        last = self.map_encoder.maps(batch.seen)[-1]
        reconstructed = self.decoder(last, tuple(batch.whole.values.shape[2:]))
        known = batch.whole.valid.unsqueeze(1) & _over_axes(batch.whole.present, last.ndim)
        vectors = last.flatten(2).mean(dim=2)
        first, second = self.projector(vectors).chunk(2)
        losses: dict[str, Loss | Tensor] = {
            "inpainting": global_mean((reconstructed - batch.whole.values).abs(), known),
            "rotation": global_mean(
                F.cross_entropy(self.turn_head(vectors), batch.quarters, reduction="none")
            ),
            "contrast": nt_xent_loss(first, second, temperature=self.settings.temperature),
        }
        loss: Loss = self.weights(losses)
        return loss

    def after_step(self, step: int, total_steps: int) -> None:
        self.weights.after_step(step, total_steps)

    def _copy(self, sample: Volume, rng: np.random.Generator) -> Copy:
        quarters = int(rng.integers(TURNS))
        whole = turned(sample, quarters)
        return Copy(self.settings.cutout(whole, rng), whole, quarters)


def turned(volume: Volume, quarters: int) -> Volume:
    """By quarters of a turn in the plane of the first two axes, cut to a square before."""
    side = min(volume.size[:2])
    start = [(length - side) // 2 for length in volume.size[:2]]
    rest = volume.size[2:]
    square = volume.crop([*start, *[0] * len(rest)], [side, side, *rest])
    return replace(square, values=torch.rot90(square.values, quarters, (1, 2)).contiguous())


def _over_axes(present: Tensor, ndim: int) -> Tensor:
    return present.reshape(*present.shape, *[1] * (ndim - 2))
