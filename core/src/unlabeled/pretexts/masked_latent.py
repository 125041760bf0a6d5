"""Masked latent prediction: see a few patches, predict a teacher's tokens of the others.

Sources: Baevski et al., data2vec, ICML 2022, arXiv:2202.03555; Assran et al., I-JEPA, CVPR 2023,
arXiv:2301.08243. The student encodes the visible patches, the teacher the whole sample; a light
predictor gives the teacher's tokens at the hidden places. Departs from I-JEPA, which predicts a
few blocks one after the other: all hidden places are predicted at once.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field
from torch import nn

from unlabeled.contract import Encoder, Loss, Pretext, Sample
from unlabeled.encoders.token_transformer import TokenDecoder
from unlabeled.masks.blocks import BlockMask
from unlabeled.masks.planner import Mask
from unlabeled.objectives.latent_regression import latent_regression_loss
from unlabeled.objectives.masked_regression import Distance
from unlabeled.pretexts.masked_autoencoder import DecoderSettings
from unlabeled.pretexts.masking import (
    Masked,
    MaskedBatch,
    collate_masked,
    mask_sample,
    maskable,
    taught_tokens,
)
from unlabeled.pretexts.presence import where_present
from unlabeled.randomness import Draw
from unlabeled.settings import Settings
from unlabeled.teachers import Teacher, TeacherSettings


class MaskedLatentSettings(Settings):
    mask: Mask = Field(BlockMask(ratio=0.6), description="which patches are hidden")
    predictor: DecoderSettings = DecoderSettings()
    teacher: TeacherSettings = Field(TeacherSettings(), description="how the teacher follows")
    distance: Distance = Field("smooth_l1", description="how predictions are compared")


class MaskedLatent(Pretext):
    """Hide patches, encode the rest, predict the teacher's tokens of the hidden ones."""

    settings_type = MaskedLatentSettings
    settings: MaskedLatentSettings

    def __init__(self, settings: MaskedLatentSettings, encoder: Encoder) -> None:
        """Raises RecipeError if the encoder cannot be masked."""
        super().__init__(settings, encoder)
        width = maskable(encoder).token_width
        self.predictor = TokenDecoder(
            width,
            width,
            width=settings.predictor.width,
            depth=settings.predictor.depth,
            heads=settings.predictor.heads,
        )
        self.teacher = Teacher(settings.teacher, encoder, nn.Identity())

    def example(self, sample: Sample, draw: Draw) -> Masked:
        return mask_sample(self.encoder, self.settings.mask, sample, draw)

    def collate(self, examples: Sequence[Masked]) -> MaskedBatch:
        return collate_masked(self.encoder, examples)

    def forward(self, batch: MaskedBatch) -> Loss:
        visible, hidden = batch.split.visible, batch.split.hidden
        tokens = maskable(self.encoder).encode_visible(batch.batch, visible)
        prediction = self.predictor(tokens, visible, hidden, batch.split.grid)
        target, _ = taught_tokens(self.teacher, batch.batch, batch.split)
        counts = where_present(self.encoder, batch.batch, hidden >= 0)
        total = latent_regression_loss(
            prediction, target, weight=counts, distance=self.settings.distance
        )
        return Loss(total, count=counts.sum())

    def after_step(self, step: int, total_steps: int) -> None:
        self.teacher.update(step, total_steps)
