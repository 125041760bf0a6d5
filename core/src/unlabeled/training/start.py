"""What is said when a run starts or goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
from lightning_fabric import Fabric
from rich.console import Console

from unlabeled.contract import Pretext, Reader
from unlabeled.data.items import Items
from unlabeled.privacy import is_private
from unlabeled.recipe import Recipe
from unlabeled.run_folder import JsonLines, RunFolder
from unlabeled.training.batch_column import BatchColumn
from unlabeled.training.loader import BatchSampler


def about_data(folder: RunFolder, items: Items, reader: Reader) -> Iterator[str]:
    """What is read and left out, and what the reader noted."""
    yield from items.account(names=not is_private(reader))
    if items.quarantine:
        yield f"  those that cannot be used are listed in {folder.quarantine}"
    yield from items.notes


def about_batches(column: BatchColumn | None, sampler: BatchSampler) -> Iterator[str]:
    """How batches are formed by a column, without its values, which may be private."""
    if column is None or sampler.form is None:
        return
    yield f"batches by {column.name} ({len(column.values)} values): {sampler.form.note}"
    if column.without:
        yield (
            f"  {column.without} of {len(column.codes)} items have no {column.name}; they count "
            "as one value"
        )


def about_beginning(folder: RunFolder, steps: int) -> Iterator[str]:
    """Where a run was killed before its first checkpoint. steps: done already."""
    if steps == 0 and next(JsonLines(folder.metrics).rows(), None):
        yield (
            f"{folder.path} had ended before its first checkpoint was written; it starts again "
            "from step 0."
        )


def show_start(fabric: Fabric, recipe: Recipe, data: Path, out: Path) -> None:
    """One line on stderr, before the data are listed, which can take minutes."""
    device = fabric.device.type
    if device == "cuda":
        device = torch.cuda.get_device_name(fabric.device)
    many = f", {fabric.world_size} processes" if fabric.world_size > 1 else ""
    console = Console(stderr=True, highlight=False, soft_wrap=True, markup=False)
    console.print(f"{recipe.name} on {data}, to {out}; {device}{many}. Listing the items …")


def size_of(pretext: Pretext, sampler: BatchSampler, recipe: Recipe, total: int) -> str:
    """Parameters, steps and epochs, in one line."""
    encoder = sum(each.numel() for each in pretext.encoder.parameters())
    everything = sum(each.numel() for each in pretext.parameters() if each.requires_grad)
    epochs = total * recipe.training.accumulate / max(1, sampler.batches_per_epoch)
    return (
        f"{encoder:,} parameters in the encoder, {everything:,} trained in all; {total:,} steps of "
        f"{sampler.batch_size * recipe.training.accumulate} items, {epochs:.3g} epochs"
    )
