"""Cross-modal retrieval: does what one sensor saw of an item find what another saw of it?

    unlabeled evaluate RUN DATA --assess cross_retrieval

Each item is a query in both directions, and its own other output is the only right answer. Other
items of its group are not looked at: which of two neighbouring tiles is nearer says little.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from unlabeled.contract import (
    Assessed,
    Assessment,
    Encoder,
    LabelledItems,
    Output,
    Score,
    Source,
    Subject,
)
from unlabeled.errors import DataError, UsageError
from unlabeled.inference.encoding import encode
from unlabeled.probes.retrieval import Ranks, rank


class CrossRetrieval(Assessment):
    """Mean reciprocal rank over both directions, and of each with recall at k."""

    uses_labels: ClassVar[bool] = False
    outputs: tuple[str, str] | None = Field(
        None, description="two global outputs of one width; the encoder's only two if unset"
    )
    nearest: tuple[int, ...] = Field((1, 5, 10), min_length=1, description="each k of recall at k")

    def assess(
        self,
        subject: Subject,
        source: Source,
        labels: LabelledItems | None,  # noqa: ARG002
        rng: np.random.Generator,
    ) -> Assessed | None:
        if subject.encoder is None:
            return None
        names = self._names(subject.encoder)
        rows, one, other = _both(subject.encoder, source, names, subject.batch_size)
        groups = source.items.groups[rows]
        ways = {
            f"{names[0]} to {names[1]}": _ranks(one, other, groups, rng),
            f"{names[1]} to {names[0]}": _ranks(other, one, groups, rng),
        }
        mean = np.mean([1 / ranks.first for ranks in ways.values()], axis=0)
        lacking = len(source.items) - len(rows)
        notes = f"{lacking} items lack one of the outputs, or could not be read: left out."
        return Assessed(
            rows,
            groups,
            (Score.mean("MRR", mean), *self._each(ways)),
            about={"gallery": f"{len(rows)} items, without others of the query's group"},
            notes=(notes,) if lacking else (),
            width=one.shape[1],
        )

    def _names(self, encoder: Encoder) -> tuple[str, str]:
        found = [output for output in encoder.outputs if output.kind == "global"]
        chosen = [each for each in found if self.outputs is None or each.name in self.outputs]
        if len(chosen) != 2 or chosen[0].width != chosen[1].width:
            raise UsageError(
                "--evaluation.assess.outputs: expected the names of two global outputs of one "
                f"width. There are: {_listed(found)}."
            )
        return self.outputs or (chosen[0].name, chosen[1].name)

    def _each(self, ways: dict[str, Ranks]) -> list[Score]:
        scores = [
            Score.mean("MRR", 1 / ranks.first, at={"direction": way}) for way, ranks in ways.items()
        ]
        scores += [
            Score.mean("recall", ranks.recall(k), at={"direction": way, "nearest": k})
            for way, ranks in ways.items()
            for k in sorted(set(self.nearest))
        ]
        return scores


def _listed(outputs: list[Output]) -> str:
    return ", ".join(f"{output.name} ({output.width})" for output in outputs) or "none"


def _both(
    encoder: Encoder, source: Source, names: tuple[str, str], batch_size: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows (n,) of the items that have both outputs, and these, (n, D) each. Raises DataError."""
    rows: list[int] = []
    found: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    for batch, samples in source.batches(range(len(source.items)), batch_size):
        pieces = [encode(encoder, samples, name) for name in names]
        for row, one, other in zip(batch, *pieces, strict=True):
            if one.present and other.present:
                rows.append(row)
                found[0].append(one.values[0])
                found[1].append(other.values[0])
    if not rows:
        raise DataError(f"none of {len(source.items)} items has both {names[0]} and {names[1]}")
    order = np.argsort(rows)
    return np.array(rows)[order], np.stack(found[0])[order], np.stack(found[1])[order]


def _ranks(
    queries: np.ndarray, gallery: np.ndarray, groups: np.ndarray, rng: np.random.Generator
) -> Ranks:
    """queries, gallery: (n, D), the same items; groups: (n,)."""
    numbers, every = np.unique(groups, return_inverse=True)[1], np.arange(len(groups))
    return rank(
        queries,
        gallery,
        lambda rows: rows[:, None] == every,
        lambda rows: (numbers[rows][:, None] == numbers) & (rows[:, None] != every),
        rng,
    )
