"""Batches and encodings as named tensors in a fixed order, and back."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor

from unlabeled.contract import Batch, Encoding, Nodes, Tokens


def tensors_in(batch: Batch, name: str = "input") -> dict[str, Tensor]:
    """The tensors of a batch by their path, in a fixed order."""
    if isinstance(batch, Tensor):
        return {name: batch}
    found: dict[str, Tensor] = {}
    for key, part in _parts(batch):
        found |= tensors_in(part, key if name == "input" else f"{name}_{key}")
    return found


def unflatten(batch: Batch, tensors: Iterator[Tensor]) -> Batch:
    """A copy of `batch` with other tensors of the same shapes, in the order of `tensors_in`."""
    if isinstance(batch, Tensor):
        return next(tensors)
    parts = {key: unflatten(part, tensors) for key, part in _parts(batch)}
    if dataclasses.is_dataclass(batch) and not isinstance(batch, type):
        return dataclasses.replace(batch, **parts)
    if isinstance(batch, Mapping):
        return parts
    return type(batch)(parts.values()) if isinstance(batch, list | tuple) else batch


def named(encoding: Encoding) -> dict[str, Tensor]:
    """The tensors of an encoding by the names of the graph's outputs."""
    if isinstance(encoding, Tokens):
        tensors = {"": encoding.values, "_valid": encoding.valid, "_position": encoding.position}
    elif isinstance(encoding, Nodes):
        tensors = {"": encoding.values, "_owner": encoding.owner, "_id": encoding.id}
    else:
        tensors = {"": encoding}
    return {f"embedding{part}": tensor for part, tensor in tensors.items()}


def _parts(batch: Batch) -> list[tuple[str, Any]]:
    if dataclasses.is_dataclass(batch):
        # Fields that the constructor does not take are derived, and computed again when needed.
        given = [field.name for field in dataclasses.fields(batch) if field.init]
        return [(name, getattr(batch, name)) for name in given]
    if isinstance(batch, Mapping):
        return [(str(key), part) for key, part in batch.items()]
    if isinstance(batch, list | tuple):
        return [(str(place), part) for place, part in enumerate(batch)]
    return []
