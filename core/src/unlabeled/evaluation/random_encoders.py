"""Untrained encoders of the same architecture: what the architecture alone is worth.

They are made as strong as they can be without training: inputs are calibrated and batch-norm
statistics estimated on the data they will see, which the pretrained encoder may never have seen.
Both are label-free, so where every item is tested in turn (folds) all items may serve; where a
split is given, only its training items do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from lightning_fabric.utilities import move_data_to_device
from torch.nn.modules.batchnorm import _BatchNorm

from unlabeled.contract import Batch, Encoder
from unlabeled.evaluation.encoding import device
from unlabeled.evaluation.reading import Source
from unlabeled.randomness import keyed_rng
from unlabeled.recipe import Choice, build_encoder

BATCHES = 16
"""For calibration and for batch-norm statistics."""


def random_encoder(
    choice: Choice,
    seed: int,
    source: Source,
    rows: Sequence[int],
    *,
    output: str,
    batch_size: int,
) -> Encoder:
    """An encoder with the weights that `seed` gives, fitted to the items at `rows`; eval mode."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        encoder = build_encoder(choice).to(device()).eval()
    drawn = keyed_rng("random encoder", seed).permutation(rows)[: BATCHES * batch_size].tolist()

    def batches() -> Iterator[Batch]:
        # Cut before sorting by size: a batch shall be a fair sample of the items.
        for start in range(0, len(drawn), batch_size):
            for _, samples in source.batches(drawn[start : start + batch_size], batch_size):
                if len(samples) > 1 or len(drawn) == 1:
                    yield move_data_to_device(encoder.collate(samples), device())

    with torch.no_grad():
        encoder.calibrate(batches())
        estimate_batch_norm(encoder, batches(), output)
    return encoder


def estimate_batch_norm(encoder: Encoder, batches: Iterator[Batch], output: str) -> None:
    """Set the running statistics of every batch norm to their mean over `batches`.

    Only batch norms are in train mode meanwhile: nothing is dropped, no weight changes.
    """
    norms = [
        module
        for module in encoder.modules()
        if isinstance(module, _BatchNorm) and module.track_running_stats
    ]
    if not norms:
        return
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain mean over batches
        norm.train()
    for batch in batches:
        encoder.encode(batch, output)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
        norm.eval()
