"""Compare samples and batches of any type."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor


def arrays(value: Any) -> Iterator[tuple[str, np.ndarray | Tensor]]:
    """Every array of numbers inside a value, of whatever shape, with the path on which it was
    found.

    Looks into mappings, sequences, dataclasses and objects with `to_dict` or attributes.
    """
    for path, leaf in _leaves(value, ""):
        if not _is_text(leaf):
            yield path, leaf


def difference(one: Any, other: Any) -> str:
    """Where two values differ in an array, bit by bit, or a text; empty if they are the same."""
    left, right = list(_leaves(one, "")), list(_leaves(other, ""))
    if [path for path, _ in left] != [path for path, _ in right]:
        return "they hold different arrays"
    for (path, a), (_, b) in zip(left, right, strict=True):
        if a.shape != b.shape:
            return f"{path or 'value'}: shapes {tuple(a.shape)} and {tuple(b.shape)}"
        if not _equal(a, b):
            return f"{path or 'value'}: different values"
    return ""


def as_type(batch: Any, dtype: torch.dtype) -> Any:
    """The batch with its floating tensors as `dtype`; other objects are left to `.apply`."""

    def convert(tensor: Tensor) -> Tensor:
        return tensor.to(dtype) if tensor.is_floating_point() else tensor

    if isinstance(batch, Tensor):
        return convert(batch)
    if isinstance(batch, Mapping):
        return type(batch)({key: as_type(value, dtype) for key, value in batch.items()})  # type: ignore[call-arg]
    if isinstance(batch, tuple) and hasattr(batch, "_fields"):
        return type(batch)(*(as_type(value, dtype) for value in batch))
    if isinstance(batch, list | tuple):
        return type(batch)(as_type(value, dtype) for value in batch)
    if is_dataclass(batch) and not isinstance(batch, type):
        changed = {f.name: as_type(getattr(batch, f.name), dtype) for f in fields(batch) if f.init}
        return replace(batch, **changed)
    return copy.copy(batch).apply(convert) if hasattr(batch, "apply") else batch


def main_values(sample: Any) -> Tensor:
    """The numbers that value ranges are about: the sample, its `values`, or its `x`, or the
    largest floating array in it; of complex ones the modulus. Float64, in its shape."""
    for name in ("values", "x"):
        inner = getattr(sample, name, None)
        if isinstance(inner, np.ndarray | Tensor):
            return _real(torch.as_tensor(inner))
    tensors = [torch.as_tensor(array) for _, array in arrays(sample)]
    floating = [_real(each) for each in tensors if each.is_floating_point() or each.is_complex()]
    return max(floating, key=lambda tensor: tensor.numel(), default=torch.zeros(0).double())


def _leaves(value: Any, path: str) -> Iterator[tuple[str, np.ndarray | Tensor]]:
    if isinstance(value, np.ndarray | Tensor):
        yield path, value
    elif isinstance(value, np.generic | str | bytes):
        yield path, np.asarray(value)
    elif isinstance(value, Mapping):
        for key in sorted(value, key=str):
            yield from _leaves(value[key], f"{path}.{key}")
    elif isinstance(value, Sequence):
        for index, inner in enumerate(value):
            yield from _leaves(inner, f"{path}[{index}]")
    elif not isinstance(value, int | float | bool | type(None)):
        yield from _leaves(_fields(value), path)


def _is_text(leaf: np.ndarray | Tensor) -> bool:
    return isinstance(leaf, np.ndarray) and leaf.dtype.kind in "OSUT"


def _real(values: Tensor) -> Tensor:
    return (values.abs() if values.is_complex() else values).double()


def _fields(value: Any) -> Mapping[str, Any]:
    if isinstance(value, np.random.Generator):
        return {}
    if hasattr(value, "to_dict"):
        found: Mapping[str, Any] = value.to_dict()
        return found
    if is_dataclass(value):  # not by slots, of which a class lists its own alone
        return {each.name: getattr(value, each.name) for each in fields(value)}
    if hasattr(value, "__slots__") and not hasattr(value, "__dict__"):
        return {name: getattr(value, name) for name in value.__slots__ if hasattr(value, name)}
    return getattr(value, "__dict__", {})


def _equal(a: np.ndarray | Tensor, b: np.ndarray | Tensor) -> bool:
    if _is_text(a) or _is_text(b):
        return np.array_equal(a, b)
    left, right = torch.as_tensor(a), torch.as_tensor(b)
    if left.layout != torch.strided:
        left, right = left.to_dense(), right.to_dense()
    nan = left.is_floating_point() or left.is_complex()
    return bool(torch.equal(left, right) or (nan and left.allclose(right, 0, 0, equal_nan=True)))
