"""The mask of a recipe: `mask: {name: blocks, ratio: 0.78}`; without a name it is random."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Discriminator, Tag

from unlabeled.masks.blocks import BlockMask
from unlabeled.masks.groups import GroupMask
from unlabeled.masks.random import RandomMask


def _name(value: Any) -> str:
    found = value.get("name") if isinstance(value, dict) else getattr(value, "name", None)
    return str(found or "random")


Mask = Annotated[
    Annotated[RandomMask, Tag("random")]
    | Annotated[BlockMask, Tag("blocks")]
    | Annotated[GroupMask, Tag("groups")],
    Discriminator(_name),
]
