"""The job of a run: recipe, data, folder, and where it starts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from lightning_fabric import Fabric

from unlabeled.contract import Batch, Encoder, Reader
from unlabeled.data.items import Items
from unlabeled.data.quarantine import Limits
from unlabeled.data.training_labels import TrainingLabels
from unlabeled.recipe import Recipe, build_reader
from unlabeled.run_folder import DataRecord, RunFolder
from unlabeled.training.batch_column import BatchColumn
from unlabeled.training.loader import BatchSampler, sample_batches
from unlabeled.training.settings import TrainingSettings
from unlabeled.training.start_from import Start


@dataclass(frozen=True)
class Job:
    """A training job. source: the run that it continues; labels: for a method that learns from
    them; column: by which batches are formed; started_from: the encoder whose weights it starts
    from."""

    fabric: Fabric
    folder: RunFolder
    recipe: Recipe
    items: Items
    data: DataRecord
    source: RunFolder | None = None
    labels: TrainingLabels | None = None
    column: BatchColumn | None = None
    started_from: Start | None = None

    @property
    def settings(self) -> TrainingSettings:
        return self.recipe.training

    @property
    def limits(self) -> Limits:
        return Limits(self.settings.unreadable, self.settings.max_skipped)

    @property
    def reader(self) -> Reader:
        return build_reader(self.recipe.reader)

    @property
    def replicated(self) -> bool:
        """Whether every process has the whole joint batch."""
        return self.settings.distributed == "replicated"

    @cached_property
    def facts(self) -> dict[str, Any]:
        """The reader's facts about the items, computed once because it may have to read some."""
        known = self.labels.facts if self.labels else {}
        return {**self.reader.describe(self.items), **known}

    @cached_property
    def sampler(self) -> BatchSampler:
        """The joint batches of the run. Raises DataError, UsageError if none can be formed."""
        return BatchSampler(self.items.table["size"].to_numpy(), self.settings, self.column)

    def sample(self, encoder: Encoder, count: int) -> Iterator[Batch]:
        """At most `count` items without augmentation, always the same ones, collated by
        `encoder`."""
        return sample_batches(
            self.items,
            self.reader,
            encoder,
            seed=self.settings.seed,
            count=count,
            size=self.sampler.batch_size,
        )
