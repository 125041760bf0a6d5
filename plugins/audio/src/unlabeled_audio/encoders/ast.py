"""AST: a transformer on patches of log-mel spectrograms.

Source: Gong, Chung, Glass, Interspeech 2021, arXiv:2104.01778; with the patch shapes and the
pooling of SSAST (Gong et al., AAAI 2022, arXiv:2110.09784). Departs from them: blocks start from
random weights, not from an image model, patches do not overlap, and clips of any length are
accepted without padding to a fixed one. A clip may be pooled by mean and standard deviation of its
tokens; the latter describes how the sound varies.

Sizes in the literature: tiny 192 wide, 3 heads; small 384, 6; base 768, 12; each 12 blocks deep.
Letters: N batch, B mel bins, S frames, L patches (frequency-major), D width, P values of a patch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from unlabeled.contract import (
    DrawsPatches,
    Encoder,
    Encoding,
    Output,
    PatchEncoder,
    Preview,
    Previews,
    Tokens,
)
from unlabeled.data.items import Item
from unlabeled.encoders.patches import grid_of, unpatchify, valid_patches
from unlabeled.encoders.pooling import mean_of_valid
from unlabeled.encoders.token_transformer import TokenTransformer
from unlabeled.errors import RecipeError
from unlabeled.pictures import contrast, grey_levels, heat, png
from unlabeled.settings import Settings
from unlabeled_audio.encoders.log_mel import LogMel, LogMelSettings
from unlabeled_audio.waveform import Waveform, Waveforms


class ASTSettings(Settings):
    """Defaults are AST-Base on 16 × 16 patches. A patch as high as there are bins is a frame."""

    sample_rate: int | None = Field(None, gt=0, description="Hz; that of the reader if unset")
    features: LogMelSettings = Field(LogMelSettings(), description="the log-mel spectrogram")
    patch: tuple[int, int] = Field((16, 16), description="mel bins and frames of one patch")
    width: int = Field(768, gt=0, description="width of a token")
    depth: int = Field(12, gt=0, description="number of blocks")
    heads: int = Field(12, gt=0, description="attention heads; must divide the width")
    positions: Literal["learned", "sine", "alibi"] = Field(
        "learned", description="learned ones are interpolated for clips longer than `seconds`"
    )
    seconds: float = Field(10.24, gt=0, description="clip length of the learned positions (s)")
    class_tokens: int = Field(0, ge=0, description="learned tokens beside the patches; AST has 2")
    pooling: Literal["mean", "statistics"] = Field(
        "mean", description="`clip` is the patches' mean, or that and their standard deviation"
    )


class AST(Encoder, PatchEncoder, DrawsPatches):
    """Outputs `clip` (pooled over patches), `frames` (mean over the mel axis) and `patches`."""

    settings_type = ASTSettings
    settings: ASTSettings

    def __init__(self, settings: ASTSettings) -> None:
        """Raises RecipeError if the sample rate is not known or the patches do not fit the bins."""
        super().__init__(settings)
        if settings.sample_rate is None:
            raise RecipeError("encoder.sample_rate: is not set and the reader does not say it (Hz)")
        if settings.features.rows % settings.patch[0]:
            raise RecipeError(
                f"encoder.patch: {settings.patch[0]} bins high does not divide "
                f"{settings.features.rows} mel bins"
            )
        self.sample_rate = settings.sample_rate
        self.features = LogMel(settings.features, settings.sample_rate)
        self.transformer = TokenTransformer(
            channels=1,
            patch=settings.patch,
            width=settings.width,
            depth=settings.depth,
            heads=settings.heads,
            positions=settings.positions,
            grid=self._grid(round(settings.seconds * settings.sample_rate)),
            prefix=settings.class_tokens,
        )
        self.token_width = settings.width
        self.patch_values = settings.patch[0] * settings.patch[1]
        self.outputs = (
            Output("clip", "global", settings.width * (1 + (settings.pooling == "statistics"))),
            Output("frames", "tokens", settings.width),
            Output("patches", "tokens", settings.width),
        )

    def collate(self, samples: Sequence[Waveform]) -> Waveforms:
        return Waveforms.of(samples, self.sample_rate)

    def _encode(self, batch: Waveforms, output: str) -> Encoding:
        """`patches` and `frames` carry the time of their middle (s), then the mel bin's number."""
        tokens = self.encode_spectrogram(*self.features(batch))
        if output == "patches":
            return Tokens(tokens.values, tokens.valid, self._places(tokens.position))
        if output == "frames":
            return self._frames(tokens)
        return mean_of_valid(tokens) if self.settings.pooling == "mean" else statistics(tokens)

    def encode_spectrogram(
        self,
        values: Tensor,
        valid: Tensor,
        *,
        hidden: Tensor | None = None,
        mask_token: Tensor | None = None,
    ) -> Tokens:
        """Run all patches of what `features` returns, perhaps altered: (N, B, S) and (N, S).

        Those in `hidden` (N, L) are replaced by `mask_token` (D,). Positions are in grid steps
        (mel, time).
        """
        tokens: Tokens = self.transformer(
            values.unsqueeze(1), valid.unsqueeze(1), hidden=hidden, mask_token=mask_token
        ).tokens
        return tokens

    def draw_patches(
        self,
        item: Item,  # noqa: ARG002
        sample: Waveform,
        patches: Tensor,
        reader: Previews,  # noqa: ARG002 - no waveform has such a spectrogram
    ) -> Sequence[Preview]:
        """The log-mel spectrogram that the patches make, high pitches on top. patches: (L, P)."""
        size = (self.settings.features.rows, self.features.frames(sample.values.shape[1]))
        values = unpatchify(patches[None], size, self.settings.patch)[0, 0].numpy()[::-1]
        low, high = contrast(values)
        caption = (
            f"log-mel bands upwards, {sample.seconds:.2f} s from left to right, {low:.1f} (dark) "
            f"to {high:.1f} (bright), normalised"
        )
        return [Preview(png(heat(grey_levels(values, low, high))), "png", caption)]

    def encode_visible(
        self, batch: Waveforms, visible: Tensor, source: Tensor | None = None
    ) -> Tensor:
        """Run some patches only. visible: (N, K) long, -1 is padding. Returns (N, K, D)."""
        values, valid = self.features(batch)
        tokens: Tokens = self.transformer(
            values.unsqueeze(1), valid.unsqueeze(1), visible=visible, source=source
        ).tokens
        return tokens.values

    def patches(self, batch: Waveforms) -> tuple[Tensor, Tensor | None]:
        """The normalised log-mel values of each patch, (N, L, P), and which are data."""
        return self.cut(*self.features(batch))

    def cut(self, values: Tensor, valid: Tensor) -> tuple[Tensor, Tensor | None]:
        """A spectrogram, (N, B, S) and (N, S), as patches: (N, L, P), and which are data."""
        return valid_patches(values.unsqueeze(1), valid.unsqueeze(1), self.settings.patch)

    def grid(self, sample: Waveform) -> np.ndarray:
        """Ones of the shape of the clip's grid of patches, (mel, time)."""
        return np.ones(self._grid(sample.values.shape[1]), dtype=bool)

    def calibrate(self, batches: Iterable[Waveforms]) -> None:
        self.features.calibrate(batches)

    def preprocessing(self) -> Mapping[str, Any]:
        return {
            "input": "mono waveform, full scale [-1, 1], of any length",
            "sample_rate_hz": self.sample_rate,
            "spectrogram": self.settings.features.model_dump(mode="json"),
        }

    def _grid(self, samples: int) -> tuple[int, ...]:
        size = (self.settings.features.rows, self.features.frames(samples))
        return grid_of(size, self.settings.patch)

    def _places(self, position: Tensor) -> Tensor:
        """Middles of patches, (time in s, mel bin), from grid steps (mel, time)."""
        high, long = self.settings.patch
        time = self.features.seconds((position[..., 1] + 0.5) * long - 0.5)
        return torch.stack([time, (position[..., 0] + 0.5) * high - 0.5], dim=-1)

    def _frames(self, tokens: Tokens) -> Tokens:
        rows = self.settings.features.rows // self.settings.patch[0]
        by_row = (tokens.values.shape[0], rows, tokens.values.shape[1] // rows)
        values = tokens.values.reshape(*by_row, -1).mean(dim=1)
        valid = tokens.valid.reshape(by_row)[:, 0]
        time = self._places(tokens.position).reshape(*by_row, 2)[:, 0, :, :1]
        return Tokens(values, valid, time)


def statistics(tokens: Tokens, eps: float = 1e-6) -> Tensor:
    """Mean and standard deviation over each clip's valid tokens, side by side: (N, 2 D).

    Source: the statistics pooling of Snyder et al., ICASSP 2018 (x-vectors). eps is added to the
    variance: a clip of one token has a finite gradient.
    """
    mean = mean_of_valid(tokens)
    spread = Tokens((tokens.values - mean.unsqueeze(1)).square(), tokens.valid, tokens.position)
    return torch.cat([mean, (mean_of_valid(spread) + eps).sqrt()], dim=1)
