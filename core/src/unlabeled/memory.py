"""How much memory samples take, so that a batch of large ones is closed in time."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from torch import Tensor

BATCH_BYTES = 256 * 2**20
"""A batch that is read to be encoded is closed before its samples, each padded to the largest, take
more than so many bytes; one sample may take more by itself."""


def bytes_of(sample: Any) -> int:
    """The bytes of all arrays and tensors in a sample of any type; each counts once."""
    return _bytes(sample, set())


def exceeds(largest: int, count: int) -> bool:
    """Whether so many samples, padded to one of `largest` bytes, are too much for a batch."""
    return largest * count > BATCH_BYTES


def _bytes(value: Any, seen: set[int]) -> int:
    if id(value) in seen:
        return 0
    seen.add(id(value))
    if isinstance(value, np.ndarray | Tensor):
        return value.nbytes
    if value is None or isinstance(value, int | float | str | bytes | bytearray):
        return sys.getsizeof(value)
    if isinstance(value, Mapping):
        return sum(_bytes(each, seen) for each in value.values())
    if isinstance(value, Sequence):
        return sum(_bytes(each, seen) for each in value)
    return sum(_bytes(each, seen) for each in _attributes(value))


def _attributes(value: Any) -> list[Any]:
    """What an object of a class of its own holds; nothing for numbers, classes and modules."""
    if isinstance(value, type):
        return []
    slots = [name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ())]
    own = [getattr(value, name, None) for name in slots if name != "__weakref__"]
    return [*own, *getattr(value, "__dict__", {}).values()]
