"""Two dimensions for embeddings: what a plane can keep of their distances."""

from __future__ import annotations

import numpy as np
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from unlabeled.probes.standardise import standardise

FEWEST = 10
"""Fewer items are no map."""
PERPLEXITY = 30.0
SEED = 0
BEFORE_TSNE = 50
"""Principal components that t-SNE starts from, as van der Maaten and Hinton did."""


def layouts(vectors: np.ndarray) -> dict[str, np.ndarray]:
    """Maps by name, each (N, 2) in [0, 1] with equal units on both axes.

    vectors: (N, D), whose columns are standardised first. t-SNE: van der Maaten and Hinton 2008,
    JMLR 9, by scikit-learn with a fixed seed, started from principal components.
    """
    scaled, _ = standardise(vectors, vectors[:1])
    count = min(BEFORE_TSNE, *scaled.shape)
    components = PCA(count, random_state=SEED, svd_solver="full").fit_transform(scaled)
    perplexity = min(PERPLEXITY, (len(vectors) - 1) / 3)
    start = "pca" if components.shape[1] > 1 else "random"
    model = TSNE(perplexity=perplexity, init=start, random_state=SEED)
    near = model.fit_transform(components.astype(np.float32))
    return {"t-SNE": _fitted(near), "PCA": _fitted(_two(components))}


def _two(components: np.ndarray) -> np.ndarray:
    return components[:, :2] if components.shape[1] > 1 else np.pad(components, ((0, 0), (0, 1)))


def _fitted(places: np.ndarray) -> np.ndarray:
    """Moved and scaled into the unit square; both axes by the same factor."""
    low, high = places.min(0), places.max(0)
    scale = float((high - low).max()) or 1.0
    fitted: np.ndarray = (places - (low + high) / 2) / scale + 0.5
    return fitted
