"""The order of training: a pure function of the seed and the number of the batch.

The order of the joint batches is drawn first and then cut into contiguous slices by rank, so a run
does not depend on the number of processes or workers, and can resume at any batch.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from unlabeled.batch_norm import drawn_lists
from unlabeled.contract import Batch, Encoder, Pretext, Reader, ReadsTargets, Sample
from unlabeled.data.items import Item, Items, Quarantined
from unlabeled.data.training_labels import TrainingLabels
from unlabeled.errors import DataError, UnlabeledError, UnreadableItem
from unlabeled.randomness import Draw, TargetValue, keyed_rng
from unlabeled.training.batch_column import BatchColumn
from unlabeled.training.batches import form_of
from unlabeled.training.settings import TrainingSettings

ATTEMPTS = 100
"""Items that are tried for one place in a batch until one can be read."""

BUCKET = 50
"""Batches of similar size are formed within this many batches of the shuffled order."""


@dataclass(frozen=True, slots=True)
class SampleReference:
    """One place in the order of an epoch: an item, and the number of its draw."""

    epoch: int
    place: int
    item: int
    number: int


class Fetched(NamedTuple):
    """The result of a data worker: a batch, or the error that prevented it.

    The error is a value, because torch would rewrite its message with the worker's traceback.
    """

    batch: Batch | None
    skipped: tuple[Quarantined, ...] = ()
    error: UnlabeledError | None = None


class BatchSampler:
    """The joint batches of a run, numbered from 0 over all epochs.

    The last incomplete batch of an epoch is dropped unless it is the only one.
    """

    def __init__(
        self, sizes: np.ndarray, settings: TrainingSettings, column: BatchColumn | None = None
    ) -> None:
        """sizes: (items,) int, the extent of each item; column: that of `training.batches`.

        Raises DataError, UsageError if it cannot form batches.
        """
        self.sizes = sizes
        self.settings = settings
        times = settings.samples_per_item
        self.draws = len(sizes) * times
        self.batch_size = min(settings.batch_size, self.draws)
        self.batches_per_epoch = self.draws // self.batch_size
        self.form = None
        if settings.batches and column is not None:
            self.form = form_of(settings.batches, column, times, self.batch_size)
            self.batches_per_epoch = self.form.batches
        self._places = lru_cache(maxsize=1)(self._draw)

    def batch(self, number: int) -> list[SampleReference]:
        """The references of one joint batch."""
        epoch, index = divmod(number, self.batches_per_epoch)
        start = index * self.batch_size
        chosen = self._places(epoch)[start : start + self.batch_size].tolist()
        return [
            SampleReference(epoch, start + i, item, number)
            for i, (item, number) in enumerate(chosen)
        ]

    def _draw(self, epoch: int) -> np.ndarray:
        """(places, 2) int: item and number of each place of an epoch."""
        order = self._shuffled(keyed_rng(self.settings.seed, epoch, "order"))
        times = self.settings.samples_per_item
        items, numbers = np.divmod(order, times)
        # A repeated draw needs a number of its own, or it would give the same views.
        again = np.ones(len(order), bool)
        again[np.unique(order, return_index=True)[1]] = False
        return np.stack([items, np.where(again, times + np.arange(len(order)), numbers)], axis=1)

    def _shuffled(self, rng: np.random.Generator) -> np.ndarray:
        if self.form is not None:
            return self.form.deal(rng).ravel()
        order = rng.permutation(self.draws)
        if self.settings.batching == "shuffled":
            return order
        return self._by_size(order, rng)

    def _by_size(self, order: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        order = order[: self.batches_per_epoch * self.batch_size]
        sizes = self.sizes[order // self.settings.samples_per_item]
        bucket = np.arange(len(order)) // (BUCKET * self.batch_size)
        batches = order[np.lexsort((sizes, bucket))].reshape(-1, self.batch_size)
        return batches[rng.permutation(len(batches))].ravel()


class RankBatches(Sampler[list[SampleReference]]):
    """This process's contiguous slice of each joint batch from `start` to `stop`.

    With `distributed: replicated`, the whole batch.
    """

    def __init__(
        self, sampler: BatchSampler, start: int, stop: int, *, rank: int, processes: int
    ) -> None:
        self.sampler, self.start, self.stop = sampler, start, stop
        self.rank, self.processes = rank, processes

    def __len__(self) -> int:
        return self.stop - self.start

    def __iter__(self) -> Iterator[list[SampleReference]]:
        size = self.sampler.batch_size
        first, last = (size * r // self.processes for r in (self.rank, self.rank + 1))
        if self.sampler.settings.distributed == "replicated":
            first, last = 0, size
        for number in range(self.start, self.stop):
            yield self.sampler.batch(number)[first:last]


class Examples(Dataset[Fetched]):
    """Reads the items of a batch and lets the pretext make its examples. Runs in data workers."""

    def __init__(
        self,
        items: Items,
        reader: Reader,
        pretext: Pretext,
        settings: TrainingSettings,
        labels: TrainingLabels | None = None,
    ) -> None:
        self.items, self.reader, self.pretext = items, reader, pretext
        self.settings, self.labels = settings, labels

    def __getitem__(self, references: Sequence[SampleReference]) -> Fetched:
        skipped: list[Quarantined] = []
        try:
            batch = self.pretext.collate(
                [self._example(reference, skipped) for reference in references]
            )
        except UnlabeledError as error:
            return Fetched(None, tuple(skipped), error)
        return Fetched(batch, tuple(skipped))

    def _example(self, reference: SampleReference, skipped: list[Quarantined]) -> Any:
        """The example of a reference; if it is unreadable, of another item drawn for this place.

        Raises UnreadableItem if the policy is `stop`, DataError after too many attempts.
        """
        others = keyed_rng(self.settings.seed, reference.epoch, reference.place, "substitute")
        index, number = reference.item, reference.number
        for _ in range(ATTEMPTS):
            item = self.items[index]
            draw = Draw.of(item, self.settings.seed, reference.epoch, number)
            try:
                sample, targets = read_labelled(self.reader, item, draw, self.labels, index)
                return self.pretext.example(sample, replace(draw, targets=targets))
            except UnreadableItem as error:
                skipped.append(Quarantined(error.source, error.expected, error.found, item.id))
                if self.settings.unreadable == "stop":
                    raise
            index = int(others.integers(len(self.items)))
            # A number of its own, so that it differs from the item's regular draws.
            number = self.settings.samples_per_item + reference.place
        raise DataError(
            f"{ATTEMPTS} items in a row cannot be read, the last is {skipped[-1].source}: expected "
            f"{skipped[-1].expected}, found {skipped[-1].found}."
        )


def read_labelled(
    reader: Reader, item: Item, draw: Draw, labels: TrainingLabels | None, position: int
) -> tuple[Sample, Mapping[str, TargetValue]]:
    """The sample of a draw, and `Draw.targets`; a mask is read for the same window.

    Raises UnreadableItem of either file.
    """
    sample = reader.read(item, draw.rng("read"))
    if labels is None or position not in labels.masks:
        return sample, labels.of(position) if labels else {}
    assert isinstance(reader, ReadsTargets)  # asked before training
    return sample, {labels.target: reader.read_target(item, labels.masks[position], like=sample)}


def load(examples: Examples, batches: RankBatches, *, pin: bool) -> Iterator[Fetched]:
    """Fetch the batches one after the other, in data workers if the recipe has any."""
    workers = examples.settings.workers
    loader: DataLoader[Fetched] = DataLoader(
        examples,
        batch_size=None,
        sampler=batches,
        num_workers=workers,
        collate_fn=_as_it_is,
        worker_init_fn=_start_worker,
        # A generator of its own: starting workers must not advance the global one.
        generator=torch.Generator(),
        pin_memory=pin,
    )
    return iter(loader)


def sample_batches(
    items: Items, reader: Reader, encoder: Encoder, *, seed: int, count: int, size: int
) -> Iterator[Batch]:
    """At most `count` items, drawn by seed, collated in batches of `size` as the encoder does.

    They stay in the order drawn: sorted, a batch would hold neighbours of the listing, from one
    folder or site. A single item that is left over joins the batch before. They are read as in
    training (large sources by window), and unreadable ones are left out. Raises DataError if
    nothing is left.
    """
    chosen = keyed_rng(seed, "sample").permutation(len(items))[:count]
    samples = _drawn_samples(items, reader, chosen, seed)
    for batch in drawn_lists(samples, size):
        yield encoder.collate(batch)


def _drawn_samples(
    items: Items, reader: Reader, chosen: np.ndarray, seed: int
) -> Iterator[tuple[Sample, int]]:
    """Each with its extent."""
    last = None
    found = 0
    for index in chosen.tolist():
        item = items[index]
        try:
            yield reader.read(item, keyed_rng(seed, "sample", item.id)), item.size
            found += 1
        except UnreadableItem as error:
            last = error
    if not found:
        raise DataError(f"None of {len(chosen)} items drawn by seed can be read; the last: {last}")


def _as_it_is(fetched: Any) -> Any:
    return fetched


def _start_worker(_: int) -> None:
    # Ctrl-C reaches the whole process group; the main process lets the workers finish.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with_the_run, daemon=True).start()


def _end_with_the_run() -> None:
    # Torch watches the process that forked this one. Under a fork server (Python's choice from
    # 3.14) that is the server, so the workers of a killed run would stay for ever.
    run = multiprocessing.parent_process()
    if run is not None:
        run.join()
        os._exit(1)
