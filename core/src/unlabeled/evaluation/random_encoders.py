"""Untrained encoders of the same architecture, the first baseline.

They are as strong as possible without training: inputs are calibrated and batch-norm statistics
estimated on the data of the evaluation, which the pretrained encoder may never have seen. Neither
uses labels, so with folds all items serve; with a given split only its training items do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import torch

from unlabeled.batch_norm import estimate_batch_norm
from unlabeled.contract import Batch, Encoder, Pretext
from unlabeled.export.checkpointed import method_recipe, run_and_checkpoint
from unlabeled.inference.encoding import device
from unlabeled.inference.reading import Source
from unlabeled.inference.update_batch_norm import drawn_batches
from unlabeled.recipe import Choice, build_encoder, build_pretext


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
    drawn = partial(drawn_batches, encoder, source, rows, batch_size, "random encoder", seed)
    with torch.no_grad():
        encoder.calibrate(drawn())
        estimate_batch_norm(encoder, drawn(), output)
    return encoder


def random_method(
    path: Path | str, seed: int, source: Source, rows: Sequence[int], *, batch_size: int
) -> Pretext:
    """The untrained method of a run's recipe, with its heads, made as `random_encoder` makes its
    encoder; eval mode. Raises RunError."""
    recipe = method_recipe(run_and_checkpoint(path)[0])

    def drawn(encoder: Encoder) -> Iterator[Batch]:
        return drawn_batches(encoder, source, rows, batch_size, "random encoder", seed)

    def calibrate(encoder: Encoder) -> None:
        encoder.to(device()).eval().calibrate(drawn(encoder))

    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        method = build_pretext(recipe, {}, calibrate).to(device()).eval()
        encoder = method.exported
        estimate_batch_norm(encoder, drawn(encoder), encoder.outputs[0].name)
    return method
