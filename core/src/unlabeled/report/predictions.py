"""The predictions of an evaluation, as `unlabeled.evaluation.predictions` wrote them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from unlabeled.errors import RunError
from unlabeled.evaluation.predictions import OWN


@dataclass(frozen=True)
class Target:
    """Predictions for T units.

    classes: C names, none of a quantity; truth: (T,) class numbers or values; scores: (T, C), or
    (T,) predicted values; items: (T,) names; groups: (T,); cuts: columns by which scores can be
    cut, each (T,) text.
    """

    name: str
    classes: tuple[str, ...]
    truth: np.ndarray
    scores: np.ndarray
    items: np.ndarray
    groups: np.ndarray
    cuts: Mapping[str, np.ndarray]

    @property
    def wrong(self) -> np.ndarray:
        """(T,) how wrong each unit is: 1 - the score of its class, or the absolute error."""
        if self.classes:
            return np.asarray(1 - self.scores[np.arange(len(self.truth)), self.truth])
        return np.asarray(np.abs(self.scores - self.truth))

    @property
    def worst(self) -> np.ndarray:
        """Positions (T,), the worst first."""
        return np.argsort(-self.wrong, kind="stable")


def read_predictions(evaluation: Path) -> tuple[Target, ...]:
    """Of the result `evaluation/NAME.json`; none where it has no predictions. Raises RunError."""
    file = evaluation.with_suffix(".items.parquet")
    if not file.is_file():
        return ()
    try:
        table = pq.read_table(file)
        classes: dict[str, list[str]] = json.loads(table.schema.metadata[b"classes"])
        return tuple(
            _target(table.filter(pc.equal(table["target"], name)), name, tuple(of))
            for name, of in classes.items()
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(
            f"{file}: expected the predictions of unlabeled evaluate, found {error!r}. Delete it, "
            "or evaluate again."
        ) from error


def _target(table: pa.Table, name: str, classes: tuple[str, ...]) -> Target:
    truth, predicted = table["truth"].to_pylist(), table["predicted"].to_pylist()
    place = {each: number for number, each in enumerate(classes)}
    others = [column for column in table.column_names if column not in OWN]
    return Target(
        name=name,
        classes=classes,
        truth=np.array([place[t] for t in truth], int) if classes else np.array(truth, float),
        scores=np.array(table["scores"].to_pylist() if classes else predicted, float),
        items=np.array(table["item"].to_pylist()),
        groups=np.array(table["group"].to_pylist()),
        cuts={column: np.array(table[column].to_pylist()) for column in others},
    )
