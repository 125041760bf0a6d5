"""The assessment: how good an encoder, or a whole method, is at one task.

    class Retrieval(Assessment):
        '''Does an item find others of its group?'''

        nearest: int = Field(10, ge=1, description="items that are looked at")

        def assess(self, subject, source, labels, rng):
            found = subject.embed(labels)           # (n, D), and which labels they are of
            if found is None:
                return None                         # a baseline that describes no such thing
            tested = np.flatnonzero(labels.testable[found.places])
            hits = hit_rates(found.values, labels.groups[found.places])[tested]  # (T,)
            units = found.places[tested]
            return Assessed(units, labels.groups[units], (Score.mean("recall@10", hits),))

The manifest lists it under `assessments`. `unlabeled evaluate RUN DATA --assess sound/retrieval`
runs it; `--evaluation.assess.nearest 5` changes a setting.

`unlabeled.evaluation` calls `assess` once for each subject: the pretrained encoders, random ones of
the same architecture, and the baselines of the recipe, each time with an equal fresh `rng`. Draws
(of few labelled items, of pairs) are therefore the same for all, and differences are paired. It
then takes the units that all subjects share, leaves out groups that had labels in training, draws
one paired bootstrap over groups for every score, and writes table, JSON and report. An assessment
draws no intervals and writes no files.

Letters: N labels, n of them found, T tested units, D width.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol, TypeVar

import numpy as np
import pyarrow as pa

from unlabeled.contract.encoder import Encoder, Piece
from unlabeled.contract.pretext import Pretext
from unlabeled.contract.reader import Reader
from unlabeled.contract.samples import Sample
from unlabeled.data.items import Item, Items
from unlabeled.settings import Settings

_Made = TypeVar("_Made")


@dataclass(frozen=True, slots=True)
class Score:
    """A metric that can be computed on any selection of the tested units.

    of: takes positions (n,) int64 into the T units and returns the metric over them, NaN where it
    is undefined. A position may occur several times (a resample of groups), and their order must
    not matter. It is a function and not a list of values because AUC, R² and mIoU are not means.
    unit: "dB", "mm" … or empty. at: the condition, {"labels": 5} or {"size": 120, "normalisation":
    "z"}: each condition is one block of the table; a pair of metric and `at` occurs once.
    """

    metric: str
    of: Callable[[np.ndarray], float]
    higher_is_better: bool = True
    unit: str = ""
    at: Mapping[str, str | int | float] = field(default_factory=dict)

    @classmethod
    def mean(
        cls,
        metric: str,
        values: np.ndarray,
        *,
        higher_is_better: bool = True,
        unit: str = "",
        at: Mapping[str, str | int | float] | None = None,
    ) -> Score:
        """The mean over units of values (T,), without NaN; NaN if all are NaN."""

        def of(positions: np.ndarray) -> float:
            defined = values[positions]
            defined = defined[~np.isnan(defined)]
            return float(defined.mean()) if len(defined) else float("nan")

        return cls(metric, of, higher_is_better, unit, at or {})


@dataclass(frozen=True, slots=True)
class Predicted:
    """Predictions of one target for the T tested units, which the report shows by class, item and
    group. Nothing was fitted on these units.

    classes: C names, none of a quantity; truth: (T,) class numbers or values; predicted: (T, C)
    scores that grow with the class's likelihood (probabilities where they sum to 1) or (T,) values;
    known: (T,) bool, False where a unit has no truth.
    """

    target: str
    classes: tuple[str, ...]
    truth: np.ndarray
    predicted: np.ndarray
    known: np.ndarray


@dataclass(frozen=True, slots=True)
class Assessed:
    """The result of an assessment for one subject.

    units: (T,) ids (text or int, each once) of what was tested: items, pairs, users; the same thing
    has the same id for every subject. groups: (T,) names, as `LabelledItems.groups` or
    `Items.groups` give them: units of one group are not independent. scores: the first is
    the headline, by which subjects are ranked and the outcome is named.
    about: choices that hold for all subjects (probe, splits), JSON-able; notes: sentences for
    readers of the table, without names of items; width: of the embedding, if there is one;
    predicted: for each target, in the order of `units`.
    """

    units: np.ndarray
    groups: np.ndarray
    scores: tuple[Score, ...]
    about: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    width: int | None = None
    predicted: tuple[Predicted, ...] = ()


@dataclass(frozen=True, slots=True)
class Embedded:
    """places: (n,) positions among the N labels, ascending: those whose items could be read and
    have the output, the same for all subjects; values: (n, D), a baseline's may be NaN."""

    places: np.ndarray
    values: np.ndarray


class LabelledItems(Protocol):
    """The N labels that have an item, in the order of the index."""

    @property
    def table(self) -> pa.Table:
        """Their columns, N rows; a list where rows about the same item differ."""

    @property
    def targets(self) -> Sequence[str]:
        """The columns chosen by --target, or the only one."""

    @property
    def folder(self) -> Path:
        """The folder of the table, or of the data: paths in the table are relative to it."""

    @property
    def rows(self) -> np.ndarray:
        """(N,) positions of their items in `source.items`, ascending."""

    @property
    def groups(self) -> np.ndarray:
        """(N,) names, of the table, else of the index; an item without one is its own."""

    @property
    def testable(self) -> np.ndarray:
        """(N,) bool, False where the group had labels in training. Such labels may be used to fit a
        head; units of their groups are removed from the result of `assess`."""

    @property
    def unit(self) -> str:
        """What a label is about: "items", "nodes" or "stretches"."""

    def where(self, places: Sequence[int] | np.ndarray) -> str:
        """Labels at places (n,), for messages: "labels.csv, rows 17 and 20", which name no item."""


class Source(Protocol):
    """Indexed items and the way to read them; what cannot be read is counted and left out."""

    @property
    def items(self) -> Items: ...

    @property
    def reader(self) -> Reader: ...

    def batches(
        self, rows: Sequence[int], batch_size: int
    ) -> Iterator[tuple[list[int], list[Sample]]]:
        """(rows of the items, samples), small items first; items that cannot be read fall out."""

    def tried(self, row: int, action: Callable[[Item], _Made]) -> Iterator[_Made]:
        """What `action` makes of the item at `row`; nothing if it raises UnreadableItem."""


class Subject(Protocol):
    """A candidate under assessment. An assessment treats all alike: it does not look at weights or
    names."""

    @property
    def kind(self) -> Literal["pretrained", "random", "baseline"]: ...

    @property
    def encoder(self) -> Encoder | None:
        """In eval mode, on the device where it runs; None for a baseline."""

    @property
    def method(self) -> Pretext | None:
        """With its heads, in eval mode, where `needs = "method"`; untrained for random ones; None
        for a baseline. `encoder` is what it exports."""

    @property
    def batch_size(self) -> int:
        """The batch size of training, which fits into memory."""

    def encode(
        self, samples: Sequence[Sample], kind: Literal["global", "tokens", "nodes"] | None = None
    ) -> list[Piece] | None:
        """One piece per sample, of the requested output, or the first of this kind.

        None for a baseline that has no such output. Raises UsageError.
        """

    def embed(self, labels: LabelledItems) -> Embedded | None:
        """Embeddings of the labelled things: items (tokens and nodes averaged), nodes or stretches.

        Items are read once for all subjects. None for a baseline without vectors of such parts.
        Raises UsageError, DataError, RunError.
        """


class Assessment(Settings):
    """A `Settings` model with the method `assess`; see the top of this file.

    The capability `Rivals` adds the comparisons that the task itself needs: popularity, raw voxels,
    a colour threshold.
    """

    needs: ClassVar[Literal["encoder", "method"]] = "encoder"
    """Whether `subject.method` is there: the heads of a run, as `load_method` gives them."""
    kind: ClassVar[Literal["representation", "restoration"]] = "representation"
    """Which runs it is for (see `Pretext.kind`)."""
    uses_labels: ClassVar[bool] = True
    """Whether it takes labels: those of --labels, else the metadata columns of the index. Where
    it is False `labels` is None and --labels is refused."""
    encoders: ClassVar[tuple[type, ...]] = (Encoder,)
    """Classes of the encoders that it can assess; others are refused before an item is read."""
    output_kind: ClassVar[Literal["global", "tokens", "nodes"] | None] = None
    """The kind of output that it encodes by; None: the one that fits what labels are about."""

    def training_rows(self, source: Source, labels: LabelledItems | None) -> np.ndarray:
        """Rows of `source.items` (n,) on which random encoders estimate their input statistics.

        By default all labelled items, or those whose `split` is "train" where the labels have no
        folds. An assessment that chooses itself which items are tested returns the others.
        """
        if labels is None:
            return np.arange(len(source.items))
        columns, rows = labels.table.column_names, labels.rows
        if "split" in columns and "fold" not in columns:
            rows = rows[np.array(labels.table["split"].to_pylist()) == "train"]
        return np.unique(rows)

    @abstractmethod
    def assess(
        self,
        subject: Subject,
        source: Source,
        labels: LabelledItems | None,
        rng: np.random.Generator,
    ) -> Assessed | None:
        """Fit what has to be fitted, and score one subject.

        All randomness comes from `rng`, which starts equal for every subject. None only for a
        baseline that cannot be assessed; it is left out with a note. Raises DataError, UsageError
        or RunError; best before the first item is read.
        """
