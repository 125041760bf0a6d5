"""The data of a run, item by item, and how they differ now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from unlabeled.atomic import write_text
from unlabeled.data.items import Items
from unlabeled.data.quarantine import OWNER
from unlabeled.data.signature import CONTENT, WHOLE, same, sealed, size_of
from unlabeled.randomness import keyed_rng
from unlabeled.run_folder import ENCODER, JsonLines, RunFolder

HASHED = 1 << 30
"""Bytes that are hashed before training starts, of items drawn at random. Of the others only size
and times are recorded, so a copy with other times counts as changed."""
SHOWN = 3


def keep_signatures(folder: RunFolder, items: Items, shown: Items) -> None:
    """Record signatures of the data, to compare when the run goes on.

    shown: the same items as named in the run.
    """
    names = (shown.table[name].to_pylist() for name in ("id", "group"))
    columns = [items.table[name].to_pylist() for name in ("source", "signature")]
    chosen = _within_budget(list(zip(*columns, strict=True)))
    lines = (
        {
            "item": key,
            "group": group,
            "signature": sealed(source, signature, content=source in chosen),
        }
        for key, group, source, signature in zip(*names, *columns, strict=True)
    )
    mode = OWNER if folder.private.is_dir() else 0o666
    write_text(folder.trained_on, "".join(ENCODER.encode(row) + "\n" for row in lines), mode=mode)


def keeps_signatures(folder: RunFolder) -> bool:
    """Whether contents can be compared: not of a run of an earlier version."""
    return folder.trained_on.is_file()


def data_changes(folder: RunFolder, items: Items, ids: Sequence[str]) -> list[str]:
    """One line each for changed, missing and new items; empty if nothing was recorded."""
    if not keeps_signatures(folder):
        return []
    recorded, now = _recorded(folder), _now(items, ids)
    found = {
        "have other content": _other(recorded, now),
        "are gone": [key for key in recorded if key not in now],
        "are new": [key for key in now if key not in recorded],
    }
    return list(_sentences(found, len(recorded)))


def changed_since(folder: RunFolder, items: Items, ids: Sequence[str]) -> list[str]:
    """One line if items of the training data have other content in these data."""
    recorded, now = _recorded(folder), _now(items, ids)
    if not (changed := _other(recorded, now)):
        return []
    both = len(recorded.keys() & now.keys())
    return [
        f"{len(changed)} of {both} items that the run was trained on have other content "
        f"than in training: {_some(changed)}"
    ]


def hashes_of(folder: RunFolder) -> frozenset[str]:
    """The content hashes of what a run was trained on, those of them that were taken."""
    return frozenset(_hash_in(recorded) for recorded in _recorded(folder).values()) - {""}


def _hash_in(recorded: str) -> str:
    """The content hash of a sealed signature, as `content_hash` gives it; "" if it has none."""
    return recorded if recorded.startswith(CONTENT) else recorded.rpartition(".")[2]


def _recorded(folder: RunFolder) -> dict[str, str]:
    return {row["item"]: row["signature"] for row in JsonLines(folder.trained_on).rows()}


def _now(items: Items, ids: Sequence[str]) -> dict[str, tuple[str, str]]:
    """(source, signature) by id."""
    columns = (items.table[name].to_pylist() for name in ("source", "signature"))
    return dict(zip(ids, zip(*columns, strict=True), strict=True))


def _other(recorded: Mapping[str, str], now: Mapping[str, tuple[str, str]]) -> list[str]:
    return [key for key, was in recorded.items() if key in now and not same(was, *now[key])]


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (" …" if len(names) > SHOWN else "")


def _sentences(found: dict[str, list[str]], count: int) -> Iterator[str]:
    for what, names in found.items():
        if names:
            yield f"data: {len(names)} items {what} (of {count} then): {_some(names)}"


def _within_budget(found: Sequence[tuple[str, str]]) -> set[str]:
    """The sources whose content is hashed."""
    sizes = {source: min(size_of(signature), WHOLE) for source, signature in found}
    sources, chosen, left = list(sizes), set[str](), HASHED
    if sum(sizes.values()) <= HASHED:
        return set(sources)
    for place in keyed_rng("hashed").permutation(len(sources)).tolist():
        left -= sizes[sources[place]]
        if left < 0:
            break
        chosen.add(sources[place])
    return chosen
