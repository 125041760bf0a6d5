"""A reader that draws, and methods that show their work: an honest one, and one that breaks P10."""

from __future__ import annotations

import numpy as np
import torch
from unlabeled_tides.gauges import Gauges
from unlabeled_tides.next_level import NextLevel

from unlabeled.contract import Preview, Previews, ShowsWork, Work
from unlabeled.pictures import contrast, grey_levels, png


class Drawn(Gauges, Previews):
    """A line of grey levels."""

    def previews(self, item, sample):
        low, high = contrast(sample)
        return [Preview(png(grey_levels(sample[None], low, high)), "png", "levels over hours, m")]


class Honest(NextLevel, ShowsWork):
    """The levels, and what was predicted of each from those before."""

    @torch.inference_mode()
    def show_work(self, item, sample, draw, reader):
        batch = self.collate([sample])
        states = self.encoder.encode(batch, "hours").values
        predicted = np.roll(self.predictor(states)[0, :, 0].numpy(), 1)
        columns = {"predicted": self.made(predicted, sample), "true": sample}
        return Work(tuple((n, tuple(reader.previews(item, x))) for n, x in columns.items()))

    def made(self, predicted, sample):
        return predicted


class Boasting(Honest):
    """P10: shows the truth as what it predicted."""

    def made(self, predicted, sample):
        return sample
