"""Labels that a method learns from: the table that `evaluate` reads, joined to the items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from pydantic import Field

from unlabeled.data.items import Items
from unlabeled.data.labels import BOUNDS, Labels, read_labels, target_names
from unlabeled.data.sources import files_of
from unlabeled.data.targets import Target, has_several, infer_task, read_targets
from unlabeled.errors import DataError
from unlabeled.settings import Settings


class LabelSettings(Settings):
    """The section `labels` of a recipe."""

    table: str = Field(description="a labels table, as `unlabeled evaluate` reads it")
    target: str = Field(description="the column that is learned")


@dataclass(frozen=True)
class TrainingLabels:
    """One target of the items of an index.

    values: by position in the index, a class number or a value; positions without a label are not
    there; classes: what the numbers stand for, empty for values; groups: by position, what the
    table calls the group, where it has such a column.
    """

    target: str
    values: Mapping[int, int | float]
    classes: tuple[str, ...]
    groups: Mapping[int, str]

    @property
    def facts(self) -> dict[str, int]:
        """What settings that are None are filled with, as from `Reader.describe`."""
        return {"classes": len(self.classes)} if self.classes else {}  # quantities have none

    def of(self, position: int) -> dict[str, int | float]:
        """`Draw.targets` of the item at a position of the index."""
        return {self.target: self.values[position]} if position in self.values else {}


def training_labels(settings: LabelSettings, items: Items, data: Path) -> TrainingLabels:
    """Read the table and join it to the items, by id or by file relative to `data`.

    Where the table has a `split`, only rows of "train" are used. Raises DataError if no row fits,
    or rows are about parts of items; UsageError if there is no such target.
    """
    labels = read_labels(Path(settings.table))
    [name] = target_names(labels, [settings.target])
    _require_whole_items(labels, name)
    rows = join_to_items(row_by_item(labels, part="train"), items, data, "labels.table")
    chosen = labels.take(np.array(list(rows.values())))
    task, _ = infer_task(chosen, [name])
    [target] = read_targets(chosen, name, task)
    return TrainingLabels(
        name,
        _values(target, list(rows)),
        target.classes,
        _groups(chosen, list(rows)),
    )


def _require_whole_items(labels: Labels, name: str) -> None:
    columns = labels.table.column_names
    if set(BOUNDS) & set(columns) or has_several(labels, name):
        raise DataError(
            f"labels.table: {labels.name}: training takes one label of a whole item; found labels "
            "of stretches, or several of one item."
        )


def row_by_item(labels: Labels, part: str = "") -> dict[str, int]:
    """The row by its item's name; of this `split` only, where the table has one.

    Raises DataError if an item has two rows.
    """
    names = labels.table["item"].to_pylist()
    split = labels.table["split"].to_pylist() if "split" in labels.table.column_names else None
    found: dict[str, int] = {}
    for row, name in enumerate(names):
        if part and split is not None and split[row] != part:
            continue
        name = str(name).removeprefix("./")
        if name in found:
            raise DataError(f"{labels.where([found[name], row])}: two labels of one item, {name!r}")
        found[name] = row
    return found


def join_to_items(
    rows: Mapping[str, int], items: Items, data: Path, setting: str
) -> dict[int, int]:
    """Row of a table by position in the index: an item is named by its id, or by its file relative
    to `data`. setting: that names the table. Raises DataError if no row fits."""
    root = data if data.is_dir() else data.parent
    ids, sources = (items.table[name].to_pylist() for name in ("id", "source"))
    found = {}
    for position, (key, source) in enumerate(zip(ids, sources, strict=True)):
        for name in (key, _relative(source, root)):
            if name in rows:
                found[position] = rows[name]
                break
    if not found:
        raise DataError(
            f"{setting}: none of {len(rows)} rows belongs to one of {len(items)} items. "
            f"Rows are for {_three(rows)}; items are {_three(ids)}."
        )
    return found


def _relative(source: str, root: Path) -> str:
    files = files_of(source)
    whole = len(files) == 1 and files[0].is_relative_to(root)
    return files[0].relative_to(root).as_posix() if whole else source


def _values(target: Target, positions: Sequence[int]) -> dict[int, int | float]:
    pairs = zip(positions, target.values.tolist(), target.known.tolist(), strict=True)
    return {position: value for position, value, known in pairs if known}


def _groups(labels: Labels, positions: Sequence[int]) -> dict[int, str]:
    if "group" not in labels.table.column_names:
        return {}
    names: list[str | None] = labels.table["group"].cast(pa.string()).to_pylist()
    return {place: name for place, name in zip(positions, names, strict=True) if name}


def _three(names: Sequence[str] | Mapping[str, int]) -> str:
    shown = [repr(name) for name in list(names)[:3]]
    return ", ".join(shown) + (" …" if len(names) > 3 else "")
