"""SSAST: match and reconstruct masked patches of a spectrogram.

Source: Gong, Lai, Chung, Glass, AAAI 2022, arXiv:2110.09784. On square patches it suits sound
events, on frames (an encoder patch as high as there are mel bins) speech.

Of each clip, clustered patches are replaced by a learned vector; the encoder runs the whole grid;
two heads read its output at the hidden places:

    L = L_d + 10 L_g,   L_d: match it to one of the clip's hidden patches (equation 1),
                        L_g: squared error of its values (equation 2).

Departs from the authors' code and follows the paper where they differ: both losses come from one
mask and one pass (the code draws a mask for each), the softmax runs over the clip's true patches
(the code's runs over predictions; `softmax_over` chooses), and every patch is hidden equally often
(see `unlabeled.masks.blocks`). Means divide by the number of hidden patches of the joint batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from unlabeled.contract import Encoder, Loss, Pretext, Previews, ShowsWork, Work
from unlabeled.data.items import Item
from unlabeled.encoders.patches import take_tokens
from unlabeled.errors import RecipeError, UnreadableItem
from unlabeled.heads import mlp
from unlabeled.masks.blocks import BlockMask
from unlabeled.masks.planner import Mask
from unlabeled.masks.split import split_tokens
from unlabeled.objectives.masked_regression import masked_regression_loss
from unlabeled.objectives.patch_info_nce import patch_info_nce_loss
from unlabeled.pretexts.masking import Masked, MaskedBatch
from unlabeled.pretexts.showing import work_of
from unlabeled.randomness import Draw
from unlabeled.settings import Settings
from unlabeled_audio.encoders.ast import AST
from unlabeled_audio.waveform import Waveform


class SSASTSettings(Settings):
    """Defaults are the paper's: 400 of 512 patches in clusters of 3 × 3 to 5 × 5."""

    mask: Mask = Field(
        BlockMask(ratio=0.78, smallest=3, largest=5), description="which patches are hidden"
    )
    generative_weight: float = Field(10.0, ge=0, description="weight of the squared error")
    softmax_over: Literal["targets", "predictions"] = Field(
        "targets", description="targets as in the paper, predictions as in the authors' code"
    )


class SSAST(Pretext, ShowsWork):
    """Masked patches of spectrograms, by a discriminative and a generative head."""

    settings_type = SSASTSettings
    settings: SSASTSettings
    encoder: AST

    def __init__(self, settings: SSASTSettings, encoder: Encoder) -> None:
        """Raises RecipeError unless the encoder is an AST."""
        super().__init__(settings, encoder)
        if not isinstance(encoder, AST):
            raise RecipeError(f"encoder: SSAST hides the patches of an AST, found {encoder}")
        width, values = encoder.token_width, encoder.patch_values
        self.mask_token = nn.Parameter(nn.init.xavier_normal_(torch.empty(1, width))[0])
        self.classify = mlp([width, width, values], norm="none")
        self.reconstruct = mlp([width, width, values], norm="none")

    def example(self, sample: Waveform, draw: Draw) -> Masked:
        """Raises UnreadableItem if the clip is too short to hide a part of it."""
        valid = self.encoder.grid(sample)
        if valid.size < 2:
            raise UnreadableItem(draw.item, "a clip of two patches or more", f"{sample.seconds} s")
        return Masked(sample, valid, self.settings.mask.plan(valid, draw.rng("mask")))

    def collate(self, examples: Sequence[Masked]) -> MaskedBatch:
        split = split_tokens([e.valid for e in examples], [e.hidden for e in examples])
        return MaskedBatch(self.encoder.collate([e.sample for e in examples]), split)

    def forward(self, batch: MaskedBatch) -> Loss:
        hidden = batch.split.hidden
        found, target = self._seen(batch)
        discriminative = patch_info_nce_loss(
            self.classify(found),
            target,
            valid=hidden >= 0,
            softmax_over=self.settings.softmax_over,
        )
        generative = masked_regression_loss(self.reconstruct(found), target, weight=hidden >= 0)
        return Loss(
            discriminative.total + self.settings.generative_weight * generative,
            {
                "discriminative": discriminative.total,
                "generative": generative,
                **discriminative.parts,
            },
            count=(hidden >= 0).sum(),
        )

    def _seen(self, batch: MaskedBatch) -> tuple[Tensor, Tensor]:
        """Tokens (N, H, D) and true values (N, H, P) at the hidden places."""
        hidden = batch.split.hidden
        values, valid = self.encoder.features(batch.batch)
        patches, _ = self.encoder.cut(values, valid)
        tokens = self.encoder.encode_spectrogram(
            values,
            valid,
            hidden=_covered(hidden, patches.shape[1]),
            mask_token=self.mask_token,
        )
        return take_tokens(tokens.values, hidden), take_tokens(patches, hidden)

    @torch.inference_mode()
    def show_work(self, item: Item, sample: Waveform, draw: Draw, reader: Previews) -> Work | None:
        batch = self.collate([self.example(sample, draw)])
        values = self.reconstruct(self._seen(batch)[0])
        found = batch.split.hidden, values
        return work_of(self.encoder, batch.batch, found, (item, sample), reader)


def _covered(hidden: Tensor, count: int) -> Tensor:
    """(N, H) places, -1 is padding, as (N, count) bool."""
    covered = torch.zeros(len(hidden), count + 1, dtype=torch.bool, device=hidden.device)
    return covered.scatter(1, hidden.where(hidden >= 0, count), value=True)[:, :count]
