"""Labels for training, from the same kind of table as `evaluate` reads, joined to the items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
import pyarrow as pa
from pydantic import Field

from unlabeled.data.items import Items
from unlabeled.data.labels import BOUNDS, Labels, read_labels, target_names
from unlabeled.data.mask_files import mask_files
from unlabeled.data.repeats import gather_labels
from unlabeled.data.sources import files_of
from unlabeled.data.targets import Target, has_several, infer_task, read_targets
from unlabeled.errors import DataError
from unlabeled.randomness import TargetValue
from unlabeled.settings import Settings
from unlabeled.wording import counted

T = TypeVar("T")


class LabelSettings(Settings):
    """The section `labels` of a recipe."""

    table: str = Field(description="a labels table, as `unlabeled evaluate` reads it")
    target: str = Field(description="the column that is learned: values, or names of mask files")


@dataclass(frozen=True)
class TrainingLabels:
    """One target of the items of an index.

    values: by position in the index; positions without a label are not there, while an item that
    has none of several classes has only zeros; classes: their names, empty for values; groups: by
    position, from the table, if it has such a column; several: whether an item may have several
    classes; notes: what was left out, in sentences that name rows and no items;
    masks: the mask's file by position, if the target is one; then there are no values.
    """

    target: str
    values: Mapping[int, TargetValue]
    classes: tuple[str, ...]
    groups: Mapping[int, str]
    several: bool = False
    notes: tuple[str, ...] = ()
    masks: Mapping[int, Path] = field(default_factory=dict)

    @property
    def positions(self) -> list[int]:
        """Of the items that have a label."""
        return [*self.values, *self.masks]

    @property
    def kind(self) -> Literal["class", "classes", "value", "mask"]:
        """The kind of target (`Pretext.learns_from`)."""
        if self.masks:
            return "mask"
        if self.several:
            return "classes"
        return "class" if self.classes else "value"

    @property
    def facts(self) -> dict[str, Any]:
        """Facts that fill settings that are None, like those of `Reader.describe`."""
        if not self.classes:  # quantities have none
            return {}
        return {"classes": len(self.classes), "class_names": list(self.classes)}

    def of(self, position: int) -> dict[str, TargetValue]:
        """`Draw.targets` of the item at a position of the index, unless the target is a mask."""
        return {self.target: self.values[position]} if position in self.values else {}


def training_labels(settings: LabelSettings, items: Items, data: Path) -> TrainingLabels:
    """Read the table and join it to the items, by id or by file relative to `data`.

    Where the table has a `split`, only rows of "train" are used. Rows about the same item become
    one, with several values where they differ. Mask files are relative to the table. Raises
    DataError if no row fits, or rows are about parts of items; UsageError if there is no such
    target.
    """
    table = Path(settings.table)
    labels = read_labels(table)
    [name] = target_names(labels, [settings.target])
    _require_whole_items(labels)
    rows = join_to_items(rows_by_item(labels, part="train"), items, data, "labels.table")
    chosen, places = _one_each(labels, rows)
    notes = (*chosen.notes, *_unused(labels, rows))
    if (files := mask_files(chosen, name, table.parent)) is not None:
        masks = {place: path for place, path in zip(places, files, strict=True) if path}
        return TrainingLabels(name, {}, (), _groups(chosen, places), notes=notes, masks=masks)
    task, _ = infer_task(chosen, [name])
    targets = read_targets(chosen, name, task)
    several = has_several(chosen, name)
    return TrainingLabels(
        name,
        _several_values(targets, places) if several else _values(targets[0], places),
        tuple(each.label for each in targets) if several else targets[0].classes,
        _groups(chosen, places),
        several,
        notes,
    )


def _require_whole_items(labels: Labels) -> None:
    if set(BOUNDS) & set(labels.table.column_names):
        raise DataError(
            f"labels.table: {labels.name}: training takes labels of whole items; found labels of "
            "stretches."
        )


def _one_each(labels: Labels, rows: Mapping[int, list[int]]) -> tuple[Labels, list[int]]:
    """A row for each item, and their positions. Raises DataError for two groups of one item."""
    places = [place for place, found in rows.items() for _ in found]
    chosen = labels.take(np.array([row for found in rows.values() for row in found]))
    gathered, _ = gather_labels(chosen, np.array(places))
    return gathered, list(rows)


def _unused(labels: Labels, rows: Mapping[int, list[int]]) -> list[str]:
    """Notes on rows without an item in the data, or not for training."""
    used = {row for found in rows.values() for row in found}
    split = labels.table["split"].to_pylist() if "split" in labels.table.column_names else []
    tested = {row for row, part in enumerate(split) if part != "train"}
    unknown = sorted(set(range(len(labels))) - used - tested)
    others = counted(len(tested), "label", "is", "are")
    notes = [f"{others} not of the split train: left out."] if tested else []
    if unknown:
        notes.append(
            f"{len(unknown)} of {len(labels)} labels are about items that are not in the data, "
            f"and are left out ({labels.where(unknown)})."
        )
    return notes


def rows_by_item(labels: Labels, part: str = "") -> dict[str, list[int]]:
    """The rows by their item's name; of this `split` only, where the table has one."""
    names = labels.table["item"].to_pylist()
    split = labels.table["split"].to_pylist() if "split" in labels.table.column_names else None
    found: dict[str, list[int]] = {}
    for row, name in enumerate(names):
        if not part or split is None or split[row] == part:
            found.setdefault(str(name).removeprefix("./"), []).append(row)
    return found


def join_to_items(rows: Mapping[str, T], items: Items, data: Path, setting: str) -> dict[int, T]:
    """Rows by position in the index; the table names an item by its id, or by its file relative to
    `data`. setting: the one that names the table. Raises DataError if nothing matches."""
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


def _values(target: Target, positions: Sequence[int]) -> dict[int, TargetValue]:
    pairs = zip(positions, target.values.tolist(), target.known.tolist(), strict=True)
    return {position: value for position, value, known in pairs if known}


def _several_values(targets: Sequence[Target], positions: Sequence[int]) -> dict[int, TargetValue]:
    """Multi-hot vectors, in the order of the targets, which are the labels."""
    vectors = np.stack([target.values for target in targets], axis=1).astype(np.float32)
    vectors.flags.writeable = False  # every draw of an item hands out the same one
    known = targets[0].known.tolist()
    return {place: vectors[n] for n, place in enumerate(positions) if known[n]}


def _groups(labels: Labels, positions: Sequence[int]) -> dict[int, str]:
    if "group" not in labels.table.column_names:
        return {}
    names: list[str | None] = labels.table["group"].cast(pa.string()).to_pylist()
    return {place: name for place, name in zip(positions, names, strict=True) if name}


def _three(names: Sequence[str] | Mapping[str, T]) -> str:
    shown = [repr(name) for name in list(names)[:3]]
    return ", ".join(shown) + (" …" if len(names) > 3 else "")
