"""The header of a run, and its manifest, at a start or a resume."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric

from unlabeled.contract import Pretext, Reader
from unlabeled.data.items import Items
from unlabeled.data.training_labels import TrainingLabels
from unlabeled.privacy import is_private
from unlabeled.progress import say
from unlabeled.recipe import Recipe
from unlabeled.run_folder import JsonLines, Manifest, RunFolder
from unlabeled.training.accumulation import steps_of
from unlabeled.training.batch_column import BatchColumn
from unlabeled.training.environment import describe, differences
from unlabeled.training.job import Job
from unlabeled.training.loader import BatchSampler
from unlabeled.training.loop import Trainer
from unlabeled.training.origin import Origin
from unlabeled.wording import counted


def start_manifest(job: Job, trainer: Trainer, origin: Origin) -> Manifest:
    """Write the manifest of a new run, or add to that of a resumed one what differs now."""
    now = describe(job.fabric, job.recipe)
    if not job.folder.holds_run():
        manifest = Manifest(
            name=job.recipe.name,
            recipe=job.recipe.to_dict(),
            data=job.data,
            environment=now,
            total_steps=trainer.total_steps,
            method=_method(job),
            continues=str(job.source.path.resolve()) if job.source else "",
            started_from=job.started_from.to_dict() if job.started_from else {},
        )
        job.folder.begin(manifest)
        return manifest
    manifest = job.folder.read()
    running = {"status": "running", "total_steps": trainer.total_steps, "failed": ""}
    changes = _inexact(job, manifest, now) if origin.own else []
    if not changes:
        return job.folder.update(**running)
    notes = dict.fromkeys((*manifest.notes, *(f"inexact: {change}" for change in changes)))
    return job.folder.update(**running, exact=False, notes=tuple(notes))


def _method(job: Job) -> dict[str, Any]:
    """The sections that depend on the data, as `load_method` builds them again without the data."""
    chosen = {"encoder": job.recipe.encoder, "pretext": job.recipe.pretext}
    return {name: choice.with_facts(job.facts).to_dict() for name, choice in chosen.items()}


def _inexact(job: Job, manifest: Manifest, now: dict[str, Any]) -> list[str]:
    """Reasons why a resumed run may differ in its bits from one that was never stopped."""
    changes = [
        f"resumed with another {change}" for change in differences(manifest.environment, now)
    ]
    if not job.settings.deterministic or job.settings.compile:
        changes.append("resumed without deterministic algorithms, or with torch.compile")
    return changes


def start_notes(job: Job, trainer: Trainer, manifest: Manifest, steps: int) -> Iterator[str]:
    """Data, sizes, batches and what the manifest notes, line by line. steps: done already."""
    yield from about_data(job.folder, job.items, job.reader)
    yield size_of(trainer.pretext, job.sampler, job.recipe, trainer.total_steps)
    if job.labels is not None:
        yield from about_labels(job.labels, len(job.items))
    yield from about_batches(job.column, job.sampler)
    if left_over := about_the_last_batch(job.sampler, trainer.total_steps):
        yield left_over
    yield from manifest.notes
    yield from about_beginning(job.folder, steps)
    _, left = steps_of(job.settings, job.sampler.batches_per_epoch)
    if left:
        yield left


def about_data(folder: RunFolder, items: Items, reader: Reader) -> Iterator[str]:
    """Lines that count items read and left out, and the reader's notes."""
    yield from items.account(names=not is_private(reader))
    if items.quarantine:
        yield f"  those that cannot be used are listed in {folder.quarantine}"
    yield from items.notes


def about_labels(labels: TrainingLabels, items: int) -> Iterator[str]:
    """How many items have a label, and which rows of the table are left out."""
    count = len(labels.classes)
    what = {"class": f"one of {count} classes", "classes": f"any of {count} classes"}
    found = what.get(labels.kind, "a value")
    yield f"labels: {len(labels.values)} of {items} items have {found} of {labels.target}"
    yield from (f"  {note}" for note in labels.notes)


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


def about_the_last_batch(sampler: BatchSampler, steps: int) -> str:
    """Draws that are in no batch of an epoch, as they would not fill one; other ones each time.

    steps: of the run; one that ends within its first epoch leaves out more, which it says by its
    epochs.
    """
    used = sampler.batches_per_epoch * sampler.batch_size
    left = sampler.draws - used
    if left <= 0 or sampler.form is not None or steps < sampler.batches_per_epoch:
        return ""
    return (
        f"of {sampler.draws:,} draws an epoch leaves out {left:,}, which fill no batch of "
        f"{sampler.batch_size:,}; other ones each time"
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
    say(f"{recipe.name} on {data}, to {out}; {device}{many}. Listing the items …")


def size_of(pretext: Pretext, sampler: BatchSampler, recipe: Recipe, total: int) -> str:
    """Parameters, steps and epochs, in one line."""
    encoder = sum(each.numel() for each in pretext.encoder.parameters())
    everything = sum(each.numel() for each in pretext.parameters() if each.requires_grad)
    joint = sampler.batch_size * recipe.training.accumulate
    epochs = total * recipe.training.accumulate / max(1, sampler.batches_per_epoch)
    return (
        f"{encoder:,} parameters in the encoder, {everything:,} trained in all; "
        f"{counted(total, 'step')} of {counted(joint, 'item')}, {epochs:.3g} "
        f"{'epoch' if f'{epochs:.3g}' == '1' else 'epochs'}"
    )
