"""Restore a folder of files with the encoder of a restoration run: one file per item.

What is done is listed in `applied.jsonl` beside the files, so an interrupted call loses at most
one item, and a later call restores only what is new.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from unlabeled.atomic import write_text
from unlabeled.data.items import Item, Items, Quarantined
from unlabeled.errors import DataError, UsageError
from unlabeled.evaluation.encoding import device
from unlabeled.evaluation.progress import progress
from unlabeled.evaluation.reading import Source, pseudonyms, write_quarantine
from unlabeled.evaluation.table import signatures
from unlabeled.export.encoder import (
    encoder_digest,
    load_encoder,
    load_reader,
    read_config,
    require_restoration,
)
from unlabeled.run_folder import JsonLines


@dataclass(frozen=True, slots=True)
class Applied:
    """What a call of `apply` did.

    files: that are there now, one per item; added: by this call; quarantine: what was left out,
    also written to `listed_in`, which is there only if something was.
    """

    path: Path
    files: int
    added: int
    quarantine: tuple[Quarantined, ...]
    listed_in: Path

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "path": str(self.path), "listed_in": str(self.listed_in)}


def apply(
    path: Path | str,
    data: Path | str,
    out: Path | str,
    *,
    unreadable: Literal["skip", "stop"] = "skip",
    max_skipped: float = 0.1,
) -> Applied:
    """Restore every item below `data` with the encoder of a run, into files in the folder `out`.

    path: a run of a restoration, or its encoder folder. A file is called like its item, with the
    ending of what the method writes (`scene.cos.tif`), or like its pseudonym where the data are
    private (see `unlabeled.privacy`). max_skipped: the largest share of items that
    `skip` may leave out.
    Raises RunError (the run embeds), DataError, UsageError; UnreadableItem with the policy `stop`.
    """
    config, data, out = read_config(path), Path(data), Path(out)
    pretext = require_restoration(config, path)
    _require_elsewhere(data, out)
    reader = load_reader(path)
    source = Source(reader.index(data), reader, unreadable, max_skipped)
    shown, left_out = source.items, out / "quarantine.jsonl"
    if names := pseudonyms(path, reader, out):
        names.remember(source.items)
        shown, left_out = names.hide(source.items), names.folder / f"{out.name}.quarantine.jsonl"
    files = _files(shown, out, pretext.restores_to)
    encoder = load_encoder(path).to(device())

    def restore(item: Item, file: Path) -> Path:
        file.parent.mkdir(parents=True, exist_ok=True)
        pretext.restore(encoder, reader, item, file)
        return file

    with closing(_Done(out, encoder_digest(path, config), shown)) as done:
        missing = [row for row in range(len(files)) if not done.holds(row, files[row])]
        with progress("restoring", len(missing)) as advance:
            for row in missing:
                for file in source.tried(row, partial(restore, file=files[row])):
                    done.add(row, file)
                advance(1)
    quarantine = (*source.items.quarantine, *source.quarantine.values())
    write_quarantine(left_out, quarantine, private=bool(names))
    failed = len(source.quarantine)
    return Applied(out, len(files) - failed, len(missing) - failed, quarantine, left_out)


class _Done:
    """`applied.jsonl`: by which encoder the folder was made, then a row per item that is restored.

    An item counts as done while its row in the index, except `source`, stays the same.
    Raises UsageError if the folder holds something else.
    """

    def __init__(self, out: Path, made_by: str, items: Items) -> None:
        self._out = out
        self._items = list(signatures(items.table).items())
        self._lines = JsonLines(out / "applied.jsonl")
        rows = list(self._lines.rows())
        self._known = {row["item"]: row["row"] for row in rows[1:]}
        if not rows:
            self._begin(made_by)
        elif rows[0] != {"made_by": made_by}:
            raise UsageError(
                f"{out}: holds files that another encoder made. Choose another output folder."
            )

    def _begin(self, made_by: str) -> None:
        there = sorted(entry.name for entry in self._out.glob("*"))
        if there:
            raise UsageError(
                f"{self._out}: expected a new or empty folder, or one that this command began, "
                f"found {', '.join(there[:3])}. Choose another output folder."
            )
        write_text(self._lines.path, json.dumps({"made_by": made_by}) + "\n")

    def holds(self, row: int, file: Path) -> bool:
        item, signature = self._items[row]
        return self._known.get(item) == signature and file.is_file()

    def add(self, row: int, file: Path) -> None:
        item, signature = self._items[row]
        name = file.relative_to(self._out).as_posix()
        self._lines.append({"item": item, "row": signature, "file": name})

    def close(self) -> None:
        self._lines.close()


def _files(items: Items, out: Path, ending: str) -> list[Path]:
    """Where each item goes. Raises DataError if that is outside `out`, or twice the same."""
    ids = items.table["id"].to_pylist()
    files = [out / (name if name.endswith(ending) else name + ending) for name in ids]
    for name, file in zip(ids, files, strict=True):
        if not Path(os.path.normpath(file)).is_relative_to(os.path.normpath(out)):
            raise DataError(f"item {name!r}: its file would lie outside {out}")
    for file, count in Counter(files).most_common(1):
        if count > 1:
            raise DataError(f"{file}: would be the file of {count} items. Rename one of them.")
    return files


def _require_elsewhere(data: Path, out: Path) -> None:
    """Raises UsageError if results would lie among the data, and be taken for data."""
    root = (data if data.is_dir() else data.parent).resolve()
    if out.resolve().is_relative_to(root) and (data.is_dir() or out.resolve() == root):
        raise UsageError(f"{out}: lies within the data. Choose an output folder outside of {root}.")
