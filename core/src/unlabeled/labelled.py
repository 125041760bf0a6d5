"""The items that had labels in training: `evaluate` never tests on their groups.

`labelled.json` in the folder of a run (for private data in `private/`) lists them by name and by
content, so that a renamed copy is recognised too.

    {"format": 1, "target": "label", "groups": ["patient07", "item scan3.nii"], "contents": ["…"]}
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unlabeled.atomic import write_text
from unlabeled.data.items import Items, group_name
from unlabeled.data.quarantine import OWNER
from unlabeled.data.signature import content_hash
from unlabeled.data.training_labels import TrainingLabels
from unlabeled.errors import RunError
from unlabeled.export.encoder import read_config, run_of
from unlabeled.formats import require_format
from unlabeled.run_folder import RunFolder

FORMAT = 1
"""The version of `labelled.json`."""


@dataclass(frozen=True)
class Labelled:
    """groups: names of groups, "item ID" of items without one; contents: hashes of items."""

    groups: frozenset[str] = frozenset()
    contents: frozenset[str] = frozenset()


def record(
    folder: RunFolder, items: Items, labels: TrainingLabels | None, earlier: Labelled
) -> None:
    """Record the labelled items of a run, with those of the run of its starting weights.

    Called before the first step: a run that is stopped has seen them too.
    """
    seen, target, own = _union([read(folder), earlier]), labels.target if labels else "", Labelled()
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
    own = {group_name(ids[place], groups[place]) for place in labels.positions}
    # By the table's names of groups as well: another index may have no groups.
    own |= {labels.groups[place] for place in labels.positions if place in labels.groups}
    own |= {f"item {ids[place]}" for place in labels.positions}
    contents = {content_hash(sources[place], signatures[place]) for place in labels.positions} - {
        ""
    }
    return Labelled(frozenset(own), frozenset(contents))


def _union(seen: Sequence[Labelled]) -> Labelled:
    groups = frozenset[str]().union(*(each.groups for each in seen))
    return Labelled(groups, frozenset[str]().union(*(each.contents for each in seen)))


def read(folder: RunFolder) -> Labelled:
    """The labelled items of a run; empty if it had no labels. Raises RunError."""
    if not folder.labelled.is_file():
        return Labelled()
    try:
        found = json.loads(folder.labelled.read_text(encoding="utf-8"))
        again = "Train again, or use the version of unlabeled that the run names"
        require_format(found["format"], FORMAT, folder.labelled, RunError, again)
        return Labelled(frozenset(found["groups"]), frozenset(found["contents"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(f"{folder.labelled}: cannot be read: {error!r}.") from error


def kept_with_encoder(folder: RunFolder) -> dict[str, Any]:
    """The part that an exported encoder carries: everything, but for private data only the number
    of groups, because names and contents stay in `private/`."""
    seen = read(folder)
    if seen == Labelled():
        return {}
    if folder.private.is_dir():
        return {"private": len(seen.groups)}
    return {"groups": sorted(seen.groups), "contents": sorted(seen.contents)}


def seen_by(path: Path | str) -> Labelled:
    """The labelled items of the method of a run or of an exported encoder.

    Raises RunError, also if only the run of that encoder can tell.
    """
    if run := run_of(path):
        return read(run)
    kept = read_config(path).provenance.labelled
    if "private" in kept:
        raise RunError(
            f"{path}: the method of this encoder had labels of private data in training, and which "
            "stands in the folder `private/` of its run alone. Evaluate the run."
        )
    return Labelled(frozenset(kept.get("groups", ())), frozenset(kept.get("contents", ())))


def had_labels(seen: Sequence[Labelled], items: Items, rows: Sequence[int]) -> list[bool]:
    """Whether the items at `rows` are of groups, or have contents, that were labelled."""
    all_seen = _union(seen)
    found: dict[int, bool] = {}
    for row in set(rows) if all_seen != Labelled() else ():
        item = items[row]
        named = {group_name(item.id, item.group), f"item {item.id}"} & all_seen.groups
        copied = content_hash(item.source, item.signature) in all_seen.contents
        found[row] = bool(named) or copied
    return [found.get(row, False) for row in rows]
