"""Whether labels of stretches lie within their items."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from unlabeled.contract import Extends
from unlabeled.errors import DataError
from unlabeled.evaluation.matching import Labelled
from unlabeled.evaluation.segments import Stretches
from unlabeled.inference.reading import Source

OVERHANG = 0.1
"""s or mm. Ends that were rounded may lie so far behind the end of their item."""


def within(labelled: Labelled, source: Source) -> Labelled:
    """The labels, with stretches that end slightly after their item cut there.

    Raises DataError where a stretch lies elsewhere, with its row and the length of the item.
    Readers that do not say how long items are leave that to the encoder's tokens.
    """
    parts, reader = labelled.parts, source.reader
    if not isinstance(parts, Stretches) or not isinstance(reader, Extends):
        return labelled
    length = {row: reader.extent(source.items[row]) for row in np.unique(labelled.rows).tolist()}
    ends = np.array([length[row] for row in labelled.rows.tolist()])
    outside = (parts.bounds[:, 0] >= ends) | (parts.bounds[:, 1] > ends + OVERHANG)
    if outside.any():
        raise _outside(labelled, parts, source, ends, np.flatnonzero(outside))
    over = np.flatnonzero(parts.bounds[:, 1] > ends)
    if not len(over):
        return labelled
    bounds = np.stack([parts.bounds[:, 0], np.minimum(parts.bounds[:, 1], ends)], axis=1)
    most = (parts.bounds[over, 1] - ends[over]).max()
    ends_of = f"{len(over)} stretches end" if len(over) != 1 else "1 stretch ends"
    note = (
        f"{ends_of} up to {most:.4g} after the end of the item, cut there "
        f"({labelled.labels.where(over)})."
    )
    labels = replace(labelled.labels, notes=(*labelled.labels.notes, note))
    return replace(labelled, labels=labels, parts=Stretches(bounds))


def _outside(
    labelled: Labelled, parts: Stretches, source: Source, ends: np.ndarray, places: np.ndarray
) -> DataError:
    first = int(places[0])
    item = source.items[int(labelled.rows[first])].id
    start, end = parts.bounds[first]
    return DataError(
        f"{labelled.labels.where(places)}: expected stretches within their items, found "
        f"{start:g} to {end:g} of {item!r}, whose length is {ends[first]:.3f}. `start` and `end` "
        "are in the unit of the encoder's positions (s, mm), from the item's beginning."
    )
