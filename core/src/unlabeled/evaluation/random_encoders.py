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

from unlabeled.batch_norm import estimate_batch_norm
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
