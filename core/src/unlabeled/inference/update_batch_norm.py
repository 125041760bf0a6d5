"""Fit an encoder's batch-norm statistics to the data it will be used on; no weight changes.

If these differ from the training data, batch norms shift and scale by the wrong numbers. Source: Li
et al. 2017, "Revisiting batch normalization for practical domain adaptation", arXiv:1603.04779.
Random encoders are always fitted in this way before they are compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from lightning_fabric.utilities import move_data_to_device

from unlabeled.batch_norm import drawn_lists, estimate_batch_norm, has_batch_norm
from unlabeled.contract import Batch, Encoder
from unlabeled.data.quarantine import Limits, Unreadable
from unlabeled.errors import RunError, UsageError
from unlabeled.export.checkpointed import settled
from unlabeled.export.encoder import (
    load_encoder,
    load_reader,
    read_config,
    require_representation,
    save_encoder,
)
from unlabeled.inference.encoding import device
from unlabeled.inference.reading import Source, open_source
from unlabeled.randomness import keyed_rng

BATCHES = 16
"""Drawn from the items for calibration and for batch-norm statistics."""


def update_batch_norm(
    path: Path | str,
    data: Path | str,
    out: Path | str,
    *,
    unreadable: Unreadable = "skip",
    max_skipped: float = 0.1,
) -> Path:
    """Write the encoder of a run to the folder `out`, with batch-norm statistics of `data`.

    path: a run or its encoder folder; data: unlabelled items; out: takes the place of a run in
    `embed` and `evaluate`; within the run's folder it keeps the run's evaluation settings.
    Raises RunError (also where the encoder has no batch norm), DataError, UsageError if `out` is
    there already; UnreadableItem with the policy `stop`.
    """
    path, out = settled(path), Path(out)
    config = read_config(path)
    require_representation(config, path)
    if out.exists():
        raise UsageError(f"{out}: expected a folder that is not there yet; remove it first")
    encoder = load_encoder(path)
    if not has_batch_norm(encoder):
        raise RunError(f"{path}: the encoder has no batch norm; there are no statistics to update")
    reader = load_reader(path)
    source = open_source(reader, data, Limits(unreadable, max_skipped))
    rows, size = range(len(source.items)), config.provenance.batch_size
    batches = drawn_batches(encoder.to(device()), source, rows, size, "adapt", 0)
    estimate_batch_norm(encoder, batches, config.outputs[0].name)
    save_encoder(
        encoder.cpu(),
        encoder_name=config.encoder.name,
        reader=config.reader,
        folder=out,
        provenance=replace(config.provenance, batch_norm_of=source.items.fingerprint()),
    )
    return out


def drawn_batches(
    encoder: Encoder, source: Source, rows: Sequence[int], size: int, *key: str | int
) -> Iterator[Batch]:
    """BATCHES batches of `size` items of `rows`, or all there are, drawn by `key`.

    In the order drawn: sorted by size, a batch would not be a fair sample of the items. A batch
    with large items holds fewer: padded to its largest, it is no bigger than `size` items of the
    median size, or holds two.
    """
    sizes = source.items.table["size"].to_numpy()
    drawn = keyed_rng(*key).permutation(rows)[: BATCHES * size].tolist()
    read = (
        (sample, int(sizes[row]))
        for row in drawn
        for sample in source.tried(row, source.reader.read)
    )
    for samples in drawn_lists(read, size, size * max(1.0, float(np.median(sizes)))):
        yield move_data_to_device(encoder.collate(samples), device())
