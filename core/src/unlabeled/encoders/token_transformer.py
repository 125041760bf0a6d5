"""A transformer on patches of signals, images or volumes, for plugin encoders to build on.

Sources: Dosovitskiy et al., ICLR 2021, arXiv:2010.11929; visible tokens only, and the light
decoder: He et al., CVPR 2022, arXiv:2111.06377.
Letters: N batch, C channels, S sizes of the axes, L tokens of the whole grid, K tokens that run,
D width, rank the number of axes (1, 2 or 3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unlabeled.contract import Tokens
from unlabeled.encoders.alibi import alibi_bias, alibi_slopes, grid_alibi
from unlabeled.encoders.attention import Blocks
from unlabeled.encoders.patches import (
    PatchEmbedding,
    grid_of,
    take_tokens,
    valid_patches,
)
from unlabeled.encoders.positions import (
    LearnedPositions,
    extents,
    grid_positions,
    sine_positions,
)

Positions = Literal["sine", "learned", "alibi"]


@dataclass(slots=True)
class Encoded:
    """prefix: (N, prefix, D); tokens: values (N, K, D), valid (N, K), position (N, K, rank) in
    grid steps."""

    prefix: Tensor
    tokens: Tokens


class TokenTransformer(nn.Module):
    """Patch embedding, positions and pre-norm blocks; runs any grid, whole or in part.

    - Inputs may have any size: a patch that is not full is filled with zeros.
    - Invalid tokens are never attended to and their values are never read (they may be NaN), so
      padding at the end of an axis does not change valid tokens.
    """

    slopes: Tensor | None

    def __init__(
        self,
        *,
        channels: int,
        patch: Sequence[int],
        width: int,
        depth: int,
        heads: int,
        positions: Positions = "sine",
        grid: Sequence[int] = (),
        prefix: int = 0,
        mlp_ratio: float = 4.0,
        dropout: float = 0.0,
        qkv_bias: bool = True,
        eps: float = 1e-6,
    ) -> None:
        """grid: the token grid that learned positions are made for; prefix: learned tokens put
        before the others (class tokens). Raises ShapeError if heads do not divide the width."""
        super().__init__()
        self.patch = tuple(patch)
        self.embedding = PatchEmbedding(channels, patch, width)
        nn.init.xavier_uniform_(self.embedding.projection.weight)
        self.prefix = nn.Parameter(torch.randn(prefix, width) * 0.02) if prefix else None
        self.sine = positions == "sine"
        self.learned = LearnedPositions(grid, width) if positions == "learned" else None
        slopes = alibi_slopes(heads) if positions == "alibi" else None
        self.register_buffer("slopes", slopes, persistent=False)
        self.blocks = Blocks(
            width,
            depth,
            heads,
            mlp_ratio=mlp_ratio,
            dropout=dropout,
            qkv_bias=qkv_bias,
            eps=eps,
        )

    def forward(
        self,
        x: Tensor,
        valid: Tensor | None = None,
        *,
        visible: Tensor | None = None,
        source: Tensor | None = None,
        hidden: Tensor | None = None,
        mask_token: Tensor | None = None,
    ) -> Encoded:
        """Embed and run a batch.

        x: (N, C, *S), any float; valid: bool, broadcastable to (N, *S), None is all.
        visible: (N, K) long, the tokens to run (row-major; -1 is padding), None is all.
        source: (N, K) long, with `visible`: index of the token copied into each position, -1 for
        zeros. hidden: (N, L) bool, tokens replaced by `mask_token` (D,) before positions are added.
        Raises ShapeError.
        """
        patches, known = valid_patches(x, valid, self.patch)
        grid = grid_of(x.shape[2:], self.patch)
        valid = None if valid is None or known is None else known.any(dim=-1)
        code = self._positions(grid, valid, x.device)
        place = grid_positions(grid, x.device).unsqueeze(0)
        if visible is not None:
            shown = visible if source is None else source
            patches, place = take_tokens(patches, shown), take_tokens(place, visible)
            if source is not None:
                patches = patches.masked_fill((source < 0).unsqueeze(-1), 0)
            code = None if code is None else take_tokens(code, visible)
            valid = visible >= 0 if valid is None else take_tokens(valid, visible) & (visible >= 0)
        values = self.embedding(patches)
        if hidden is not None:
            assert mask_token is not None
            values = torch.where(hidden.unsqueeze(-1), mask_token, values)
        values = values if code is None else values + code
        return self._run(values, valid, place, grid if visible is None else None)

    def _positions(
        self, grid: Sequence[int], valid: Tensor | None, device: torch.device
    ) -> Tensor | None:
        """(1 or N, L, D) in the precision of the weights, None with ALiBi."""
        weight = self.embedding.projection.weight
        if self.sine:
            return sine_positions(grid, len(weight), device).to(weight.dtype)
        if self.learned is None:
            return None
        whole = torch.tensor([grid], device=device)
        code: Tensor = self.learned(grid, whole if valid is None else extents(valid, grid))
        return code

    def _run(
        self, values: Tensor, valid: Tensor | None, place: Tensor, grid: Sequence[int] | None
    ) -> Encoded:
        """place: (1 or N, K, rank); grid: where all of its tokens run."""
        count = 0 if self.prefix is None else len(self.prefix)
        bias = None if self.slopes is None else _bias(place, grid, self.slopes, count)
        keys = valid
        if self.prefix is not None:
            values = torch.cat([self.prefix.expand(values.shape[0], -1, -1), values], dim=1)
            keys = None if valid is None else F.pad(valid, (count, 0), value=True)
        values = self.blocks(values, keys, bias)
        place = place.expand(values.shape[0], -1, -1)
        if valid is None:
            valid = torch.ones(place.shape[:2], dtype=torch.bool, device=place.device)
        return Encoded(values[:, :count], Tokens(values[:, count:], valid, place))


class TokenDecoder(nn.Module):
    """A light transformer that predicts hidden tokens from visible ones."""

    def __init__(self, encoder_width: int, out: int, *, width: int, depth: int, heads: int) -> None:
        """out: values to predict per token. Raises ShapeError."""
        super().__init__()
        self.embedding = nn.Linear(encoder_width, width)
        self.mask_token = nn.Parameter(torch.randn(width) * 0.02)
        self.blocks = Blocks(width, depth, heads)
        self.prediction = nn.Linear(width, out)

    def forward(
        self, tokens: Tensor, visible: Tensor, hidden: Tensor, grid: Sequence[int]
    ) -> Tensor:
        """tokens: (N, K, D), the encoder's; visible (N, K) and hidden (N, H): their places in the
        grid (row-major; -1 is padding). Returns (N, H, out)."""
        width = len(self.mask_token)
        code = sine_positions(grid, width, tokens.device).to(self.mask_token.dtype)
        known = self.embedding(tokens) + take_tokens(code, visible)
        wanted = self.mask_token + take_tokens(code, hidden)
        places = torch.cat([visible, hidden], dim=1)
        states = self.blocks(torch.cat([known, wanted], dim=1), places >= 0)
        predicted: Tensor = self.prediction(states[:, visible.shape[1] :])
        return predicted


def _bias(place: Tensor, grid: Sequence[int] | None, slopes: Tensor, prefix: int) -> Tensor:
    """Prefix tokens have no place, so no distance to the others."""
    table = alibi_bias(place, place, slopes) if grid is None else grid_alibi(grid, slopes)
    return F.pad(table, (prefix, 0, prefix, 0))
