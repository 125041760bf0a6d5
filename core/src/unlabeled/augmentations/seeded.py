"""Make transforms of other libraries, which use global generators, draw from an rng."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


@contextmanager
def seeded(rng: np.random.Generator) -> Iterator[None]:
    """Within, the global generators of torch (CPU), numpy and random are seeded from `rng`.

        with seeded(rng):
            changed = torchaudio_transform(wave)

    Afterwards their states are restored. `rng` itself advances by one draw.
    """
    seed = int(rng.integers(2**32))
    # Not torch.manual_seed, which would also reseed the accelerators.
    generator = torch.default_generator
    before = generator.get_state(), np.random.get_state(), random.getstate()
    generator.manual_seed(seed)
    np.random.seed(seed)
    random.seed(seed)
    try:
        yield
    finally:
        generator.set_state(before[0])
        np.random.set_state(before[1])
        random.setstate(before[2])
