"""What passes between components: the domain's own types, which the core never looks into."""

from __future__ import annotations

from typing import Any, TypeAlias

Sample: TypeAlias = Any
"""One item as the reader returns it: the domain's own type. The core never looks inside."""


Batch: TypeAlias = Any
"""What `collate` returns: tensors, or dataclasses, tuples, mappings and objects with `.to`."""
