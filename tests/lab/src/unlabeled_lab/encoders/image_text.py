"""Two towers: an image and a text about it, of which either may be missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from unlabeled.contract import Encoder, Encoding, Output
from unlabeled.errors import ShapeError
from unlabeled.settings import Settings

from .conv import convolutions
from .sequence import SequenceEncoder, SequenceSettings, Texts


class ImageTextSettings(Settings):
    words: tuple[str, ...] | None = Field(None, description="the vocabulary; from the data")
    width: int = Field(16, gt=0, description="size of an embedding")


@dataclass
class Pair:
    """image: (N, 1, 8, 8); text: of which absent ones are one word of padding; has: (N, 2)."""

    image: Tensor
    text: Texts
    has: Tensor


class ImageText(Encoder):
    settings_type = ImageTextSettings
    settings: ImageTextSettings

    def __init__(self, settings: ImageTextSettings) -> None:
        super().__init__(settings)
        self.outputs = tuple(Output(name, "global", settings.width) for name in ("image", "text"))
        self.vision = convolutions(settings.width)
        self.language = SequenceEncoder(
            SequenceSettings(words=settings.words, width=settings.width)
        )

    def collate(self, samples: Sequence[dict]) -> Pair:
        blank, silent = np.zeros((8, 8), np.float32), {"text": np.zeros(1, np.int64)}
        images = [torch.as_tensor(sample.get("image", blank))[None] for sample in samples]
        texts = self.language.collate([s if "text" in s else silent for s in samples])
        has = [["image" in sample, "text" in sample] for sample in samples]
        return Pair(torch.stack(images), texts, torch.tensor(has))

    def _encode(self, batch: Pair, output: str) -> Encoding:
        if batch.image.ndim != 4 or output not in ("image", "text"):
            raise ShapeError(f"expected images (N, 1, H, W), output image or text: {output}")
        return self.vision(batch.image) if output == "image" else self.language(batch.text)

    def present(self, batch: Pair, output: str) -> Tensor:
        return batch.has[:, ("image", "text").index(output)]
