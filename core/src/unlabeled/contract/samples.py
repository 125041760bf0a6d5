"""Samples and batches: the domain's own types, which the core never inspects."""

from __future__ import annotations

from typing import Any, TypeAlias

Sample: TypeAlias = Any
"""One item as the reader returns it, in the domain's own type."""


Batch: TypeAlias = Any
"""What `collate` returns: tensors, or dataclasses, tuples, mappings and objects with `.to`."""
