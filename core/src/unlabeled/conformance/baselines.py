"""Clause F: hand-made baselines are vectors of one width, one per sample or one per node."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from unlabeled import discovery
from unlabeled.conformance.check import Check, Clause, checks_of, require
from unlabeled.conformance.comparison import difference
from unlabeled.conformance.fixture import Fixture

VECTORS = Clause(
    "F1",
    "vectors",
    "Every sample gives a vector, or a row per node, of one width, the same on every call, not all "
    "of it NaN.",
    "a histogram whose bins depend on the sample, or baselines of another reader's samples",
)


def checks(fixture: Fixture) -> Iterator[Check]:
    """The checks of all hand-made baselines in the manifest."""
    for name in fixture.plugin.baselines:
        yield from checks_of(f"baselines/{name}", {VECTORS: _vectors}, fixture, name)


def _vectors(fixture: Fixture, name: str) -> None:
    baselines = discovery.load("baselines", fixture.full(name))()
    samples = fixture.samples(fixture.reader_of_features(fixture.full(name)))
    vectors = [np.asarray(baselines(sample)) for sample in samples]
    widths = {(vector.ndim, vector.shape[-1]) for vector in vectors}
    require(len(widths) == 1 and widths.pop()[0] in (1, 2), "not vectors of one width")
    require(not any(np.isnan(vector).all() for vector in vectors), "nothing but NaN")
    seen = difference(vectors[0], np.asarray(baselines(samples[0])))
    require(not seen, f"two calls differ, {seen}")
