"""Which items had labels in training: `evaluate` never tests on their groups.

`labelled.json` in the folder of a run (of private data in `private/`): what a method has seen the
answers of, by name and by content, so that a renamed copy is known too.

    {"format": 1, "target": "label", "groups": ["patient07", "item scan3.nii"], "contents": ["…"]}
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from unlabeled.atomic import write_text
from unlabeled.data.items import Items
from unlabeled.data.quarantine import OWNER
from unlabeled.data.signature import content_hash
from unlabeled.data.training_labels import TrainingLabels
from unlabeled.errors import RunError
from unlabeled.run_folder import RunFolder

FORMAT = 1
"""The version of `labelled.json`."""


@dataclass(frozen=True)
class Labelled:
    """groups: names of groups, "item ID" of items without one; contents: hashes of items."""

    groups: frozenset[str] = frozenset()
    contents: frozenset[str] = frozenset()


def names_of(item: str, group: str) -> str:
    """What an item's group is called where every item has one."""
    return group or f"item {item}"


def record(
    folder: RunFolder, items: Items, labels: TrainingLabels | None, earlier: RunFolder | None
) -> None:
    """Write what a run sees the answers of, with what runs saw whose weights it goes on with.

    Before the first step: a run that is stopped has seen them too.
    """
    before = [read(run) for run in (folder, earlier) if run]
    seen, target, own = _union(before), labels.target if labels else "", Labelled()
    if labels:
        own = _of(items, labels)
    found = {
        "format": FORMAT,
        "target": target,
        "groups": sorted(seen.groups | own.groups),
        "contents": sorted(seen.contents | own.contents),
    }
    private = folder.private.is_dir()
    write_text(folder.labelled, json.dumps(found) + "\n", mode=OWNER if private else 0o666)


def _of(items: Items, labels: TrainingLabels) -> Labelled:
    ids, groups, sources, signatures = (
        items.table[name].to_pylist() for name in ("id", "group", "source", "signature")
    )
    own = {names_of(ids[place], groups[place]) for place in labels.values}
    # As the table calls them, too: another index may have no groups.
    own |= {labels.groups[place] for place in labels.values if place in labels.groups}
    own |= {f"item {ids[place]}" for place in labels.values}
    contents = {content_hash(sources[place], signatures[place]) for place in labels.values} - {""}
    return Labelled(frozenset(own), frozenset(contents))


def _union(seen: Sequence[Labelled]) -> Labelled:
    groups = frozenset[str]().union(*(each.groups for each in seen))
    return Labelled(groups, frozenset[str]().union(*(each.contents for each in seen)))


def read(folder: RunFolder) -> Labelled:
    """What a run saw the answers of; nothing where it had no labels. Raises RunError."""
    if not folder.labelled.is_file():
        return Labelled()
    try:
        found = json.loads(folder.labelled.read_text(encoding="utf-8"))
        if found["format"] != FORMAT:
            raise RunError(
                f"{folder.labelled}: written by another version. pip install --upgrade unlabeled"
            )
        return Labelled(frozenset(found["groups"]), frozenset(found["contents"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(f"{folder.labelled}: cannot be read: {error!r}.") from error


def had_labels(seen: Sequence[Labelled], items: Items, rows: Sequence[int]) -> list[bool]:
    """Whether the items at `rows` are of groups, or have contents, that were labelled."""
    all_seen = _union(seen)
    found: dict[int, bool] = {}
    for row in set(rows) if all_seen != Labelled() else ():
        item = items[row]
        named = {names_of(item.id, item.group), f"item {item.id}"} & all_seen.groups
        copied = content_hash(item.source, item.signature) in all_seen.contents
        found[row] = bool(named) or copied
    return [found.get(row, False) for row in rows]
