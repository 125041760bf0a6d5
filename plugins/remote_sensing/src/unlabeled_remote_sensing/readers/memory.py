"""Check that a scene fits in memory before it is read whole."""

from __future__ import annotations

import os
import resource
from collections.abc import Mapping
from functools import lru_cache

from unlabeled.errors import UnreadableItem
from unlabeled_remote_sensing.readers.grids import Grid
from unlabeled_remote_sensing.sensors import Sensor

COPIES = 3
"""Of float32 values: as read, in the batch, and normalised."""


def require_memory(source: str, grid: Grid, sensors: Mapping[str, Sensor]) -> None:
    """Raises UnreadableItem for a scene larger than this machine, or its limit, can hold."""
    bands = sum(len(sensor.bands) for sensor in sensors.values())
    needed, there = grid.height * grid.width * bands * 4 * COPIES, memory()
    if needed > there:
        raise UnreadableItem(
            source,
            f"a scene that fits in {there / 2**30:.1f} GiB of memory as a whole",
            f"{grid.height} x {grid.width} px of {bands} bands, which need {needed / 2**30:.1f} GiB"
            " (python -m unlabeled_remote_sensing.maps embeds scenes of any size, tile by tile; "
            "runs of reader.items window embed windows)",
        )


@lru_cache(maxsize=1)
def memory() -> int:
    """Bytes that this process may have: of the machine, or less by `ulimit -v`."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    return machine if limit == resource.RLIM_INFINITY else min(machine, limit)
