"""A small encoder on patches of signals, for the tests of pretexts that hide patches."""

import math

import numpy as np
import torch
from torch import nn

from unlabeled.contract import Encoder, Output, PatchEncoder
from unlabeled.encoders.patches import grid_of, valid_patches
from unlabeled.encoders.pooling import mean_of_valid
from unlabeled.encoders.token_transformer import TokenTransformer
from unlabeled.settings import Settings

PATCH = (4,)


class Waves(Encoder, PatchEncoder):
    """Signals (T,) of any length; NaN is no data."""

    settings_type = Settings
    token_width = 12
    patch_values = 4

    def __init__(self):
        super().__init__(Settings())
        self.outputs = (Output("pooled", "global", 12), Output("steps", "tokens", 12))
        self.transformer = TokenTransformer(channels=1, patch=PATCH, width=12, depth=1, heads=2)

    def collate(self, samples):
        return nn.utils.rnn.pad_sequence(list(samples), True, math.nan).unsqueeze(1)

    def _encode(self, batch, output):
        tokens = self.transformer(batch, ~batch[:, 0].isnan()).tokens
        return tokens if output == "steps" else mean_of_valid(tokens)

    def grid(self, sample):
        known = np.zeros(grid_of(sample.shape, PATCH)[0] * 4, dtype=bool)
        known[: len(sample)] = ~sample.isnan().numpy()
        return known.reshape(-1, 4).any(axis=1)

    def patches(self, batch):
        return valid_patches(batch, ~batch[:, 0].isnan(), PATCH)

    def encode_visible(self, batch, visible, source=None):
        known = ~batch[:, 0].isnan()
        return self.transformer(batch, known, visible=visible, source=source).tokens.values


def signals(*lengths):
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(n, generator=generator, dtype=torch.float64) for n in lengths]
