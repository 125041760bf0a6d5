"""Pre-norm transformer blocks on sequences of tokens, some of which may be padding.

Sources: Vaswani et al., NeurIPS 2017; Dosovitskiy et al., ICLR 2021, arXiv:2010.11929.
Letters: N batch, Q and K tokens, D width.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from unlabeled.contract import GradientCheckpointing
from unlabeled.errors import ShapeError


def attention_mask(valid: Tensor | None, bias: Tensor | None) -> Tensor | None:
    """The mask for `scaled_dot_product_attention`.

    valid: (N, K) bool, False is never attended to; bias: (N or 1, heads or 1, Q, K), added to the
    scores. A sample without a valid token attends to all of them, because a softmax over nothing is
    NaN; its output is to be ignored.
    """
    if valid is None:
        return bias
    keys = (valid | ~valid.any(dim=1, keepdim=True))[:, None, None, :]
    if bias is None:
        return keys
    return torch.where(keys, bias, torch.finfo(bias.dtype).min)


class Attention(nn.Module):
    """Multi-head attention, (N, Q, D) -> (N, Q, D): of tokens among themselves."""

    def __init__(
        self, width: int, heads: int, *, dropout: float = 0.0, qkv_bias: bool = True
    ) -> None:
        super().__init__()
        if width % heads:
            raise ShapeError(f"heads must divide the width; found width {width}, heads {heads}")
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width, bias=qkv_bias)
        self.out = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """x: (N, Q, D); mask: as `attention_mask` makes it, (N or 1, heads or 1, Q or 1, Q)."""
        query, key, value = self.qkv(x).chunk(3, dim=-1)
        mixed: Tensor = self.dropout(self.out(_attend(query, key, value, self.heads, mask)))
        return mixed


class CrossAttention(nn.Module):
    """Multi-head attention to another sequence: (N, Q, D) and context (N, K, D) -> (N, Q, D)."""

    def __init__(
        self, width: int, heads: int, *, dropout: float = 0.0, qkv_bias: bool = True
    ) -> None:
        super().__init__()
        if width % heads:
            raise ShapeError(f"heads must divide the width; found width {width}, heads {heads}")
        self.heads = heads
        self.query = nn.Linear(width, width, bias=qkv_bias)
        self.key_value = nn.Linear(width, 2 * width, bias=qkv_bias)
        self.out = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, context: Tensor, mask: Tensor | None = None) -> Tensor:
        """x: (N, Q, D); context: (N, K, D); mask: as `attention_mask` makes it, for K keys."""
        key, value = self.key_value(context).chunk(2, dim=-1)
        mixed = _attend(self.query(x), key, value, self.heads, mask)
        out: Tensor = self.dropout(self.out(mixed))
        return out


class Block(nn.Module):
    """x + attention(norm(x)), then x + mlp(norm(x))."""

    def __init__(
        self,
        width: int,
        heads: int,
        *,
        mlp_ratio: float = 4.0,
        dropout: float = 0.0,
        qkv_bias: bool = True,
        eps: float = 1e-6,
    ) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(width, eps=eps)
        self.attention = Attention(width, heads, dropout=dropout, qkv_bias=qkv_bias)
        self.mlp_norm = nn.LayerNorm(width, eps=eps)
        self.mlp = nn.Sequential(
            nn.Linear(width, int(width * mlp_ratio)),
            nn.GELU(),
            nn.Linear(int(width * mlp_ratio), width),
            nn.Dropout(dropout),
        )

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        x = x + self.attention(self.attention_norm(x), mask)
        out: Tensor = x + self.mlp(self.mlp_norm(x))
        return out


class Blocks(nn.Module, GradientCheckpointing):
    """`depth` blocks and a last norm: (N, L, D) -> (N, L, D)."""

    def __init__(
        self,
        width: int,
        depth: int,
        heads: int,
        *,
        mlp_ratio: float = 4.0,
        dropout: float = 0.0,
        qkv_bias: bool = True,
        eps: float = 1e-6,
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            Block(width, heads, mlp_ratio=mlp_ratio, dropout=dropout, qkv_bias=qkv_bias, eps=eps)
            for _ in range(depth)
        )
        self.norm = nn.LayerNorm(width, eps=eps)
        self.apply(_initialise)

    def forward(self, x: Tensor, valid: Tensor | None = None, bias: Tensor | None = None) -> Tensor:
        """valid: (N, L) bool; bias: (N or 1, heads or 1, L, L) for the attention scores."""
        mask = attention_mask(valid, bias)
        for layer in self.layers:
            if self.gradient_checkpointing and torch.is_grad_enabled():
                x = checkpoint(layer, x, mask, use_reentrant=False)
            else:
                x = layer(x, mask)
        normed: Tensor = self.norm(x)
        return normed


def _attend(query: Tensor, key: Tensor, value: Tensor, heads: int, mask: Tensor | None) -> Tensor:
    """query: (N, Q, D), key and value: (N, K, D) -> (N, Q, D)."""
    if mask is not None and mask.is_floating_point():
        mask = mask.to(query.dtype)
    split = [x.reshape(*x.shape[:2], heads, -1).transpose(1, 2) for x in (query, key, value)]
    mixed = F.scaled_dot_product_attention(split[0], split[1], split[2], attn_mask=mask)
    return mixed.transpose(1, 2).reshape(query.shape)


def _initialise(module: nn.Module) -> None:
    # As in the masked autoencoder's code: uniform after Glorot and Bengio 2010, no offset.
    if isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
