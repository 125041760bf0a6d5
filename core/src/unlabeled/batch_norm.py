"""Batch-norm statistics of the inputs that an encoder will see.

While a masked or augmented method trains, running statistics follow inputs that are hidden in part
or distorted; an exported encoder sees whole ones. So they are estimated again, by a plain mean over
batches: "precise BN" of Wu and Johnson 2021, arXiv:2105.07576, section 3.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch.nn.modules.batchnorm import _BatchNorm

from unlabeled.contract import Batch, Encoder


def has_batch_norm(encoder: Encoder) -> bool:
    """Whether there is anything to estimate."""
    return bool(_norms(encoder))


@torch.no_grad()
def estimate_batch_norm(encoder: Encoder, batches: Iterable[Batch], output: str) -> None:
    """Set the running statistics of every batch norm to their mean over `batches`.

    Only batch norms are in train mode meanwhile: nothing is dropped, no weight changes. On several
    processes all of them must call this.
    """
    norms = _norms(encoder)
    if not norms:
        return
    before = [(norm.momentum, norm.training) for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain mean over batches
        norm.train()
    for batch in batches:
        encoder.encode(batch, output)
    for norm, (momentum, training) in zip(norms, before, strict=True):
        norm.momentum = momentum
        norm.train(training)


def _norms(encoder: Encoder) -> list[_BatchNorm]:
    return [
        module
        for module in encoder.modules()
        if isinstance(module, _BatchNorm) and module.track_running_stats
    ]
