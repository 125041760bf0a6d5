"""One vector per sample: the mean over what is valid, for tokens, masked tokens and nodes."""

from __future__ import annotations

import torch
from torch import Tensor

from unlabeled.contract import Encoding, Nodes, Tokens


def masked_mean(values: Tensor, valid: Tensor) -> Tensor:
    """The mean of each sample's valid rows, (N, D), zero where there are none.

    values: (N, L, D), whatever it holds where not valid, NaN included; valid: (N, L) bool.
    """
    counts = valid.unsqueeze(-1)
    # Not a product: 0 times NaN is NaN. Counted as whole numbers: bf16 knows none above 256.
    return torch.where(counts, values, 0).sum(dim=1) / counts.sum(dim=1).clamp(min=1)


def mean_of_valid(tokens: Tokens) -> Tensor:
    """One vector per sample, (N, D): the mean of its valid tokens, zero if there are none."""
    return masked_mean(tokens.values, tokens.valid)


def one_per_sample(encoding: Encoding) -> Tensor:
    """(N, D): a global output as it is, tokens and nodes as their mean over valid ones."""
    if isinstance(encoding, Tokens):
        return mean_of_valid(encoding)
    if isinstance(encoding, Nodes):
        count = int(encoding.owner.max()) + 1
        rows = encoding.values.new_zeros(count, encoding.values.shape[1])
        sums = rows.index_add(0, encoding.owner, encoding.values)
        return sums / torch.bincount(encoding.owner, minlength=count).clamp(min=1)[:, None]
    return encoding
