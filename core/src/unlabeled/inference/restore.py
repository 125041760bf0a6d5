"""Restore a folder of files with the encoder of a restoration run: one file per item.

`restored.jsonl` beside the files lists finished items, so an interrupted call loses at most one
item, and a later call restores only what is new or has changed.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from unlabeled.atomic import write_text
from unlabeled.data.items import Item, Items, Quarantined
from unlabeled.data.made import Contents, Made
from unlabeled.data.quarantine import Limits, Unreadable, write_quarantine
from unlabeled.errors import DataError, UsageError
from unlabeled.export.checkpointed import settled
from unlabeled.export.encoder import (
    encoder_digest,
    load_encoder,
    load_reader,
    read_config,
    require_restoration,
)
from unlabeled.inference.encoding import device
from unlabeled.inference.reading import open_source, pseudonyms
from unlabeled.progress import progress
from unlabeled.run_folder import JsonLines

DONE = "restored.jsonl"
"""In the output folder: by which encoder it was made, then a row per item that is restored."""


@dataclass(frozen=True, slots=True)
class Restored:
    """The result of `restore`.

    files: present now, one per item; added: by this call; changed: those of them that were
    outdated; unknown: those of them whose old file has no recorded content; quarantine: items that
    cannot be used, also written to the file `listed_in` if there are any; account: lines that count
    items read and left out.
    """

    path: Path
    files: int
    added: int
    changed: int
    unknown: int
    quarantine: tuple[Quarantined, ...]
    listed_in: Path
    account: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "path": str(self.path), "listed_in": str(self.listed_in)}


def restore(
    path: Path | str,
    data: Path | str,
    out: Path | str,
    *,
    unreadable: Unreadable = "skip",
    max_skipped: float = 0.1,
) -> Restored:
    """Restore every item below `data` with the encoder of a run, into files in the folder `out`.

    path: a run of a restoration (that of its last checkpoint, if it has not finished), or its
    encoder folder. A file is called like its item, with the
    ending of what the method writes (`scene.cos.tif`), or like its pseudonym where the data are
    private (see `unlabeled.privacy`). max_skipped: the largest share of items that
    `skip` may leave out.
    Raises RunError (the run embeds), DataError, UsageError; UnreadableItem with the policy `stop`.
    """
    path, data, out = settled(path), Path(data), Path(out)
    config = read_config(path)
    pretext = require_restoration(config, path)
    _require_elsewhere(data, out)
    reader = load_reader(path)
    source = open_source(reader, data, Limits(unreadable, max_skipped))
    shown, left_out = source.items, out / "quarantine.jsonl"
    if names := pseudonyms(path, reader, out):
        names.remember(source.items)
        shown, left_out = names.hide(source.items), names.folder / f"{out.name}.quarantine.jsonl"
    files = _files(shown, out, pretext.restores_to)
    encoder = load_encoder(path).to(device())

    def write(item: Item, file: Path) -> Path:
        file.parent.mkdir(parents=True, exist_ok=True)
        pretext.restore(encoder, reader, item, file)
        return file

    _claim(out, encoder_digest(path, config))
    with closing(Made(out / DONE, shown, Contents(source.items, names))) as made:
        states = {row: made.state(row) for row in range(len(files))}
        states = {
            row: "new" if state == "kept" else state
            for row, state in states.items()
            if state != "kept" or not files[row].is_file()
        }
        with progress("restoring", len(states)) as advance:
            for row in states:
                for file in source.tried(row, partial(write, file=files[row])):
                    made.add(row, file=file.relative_to(out).as_posix())
                advance(1)
    write_quarantine(left_out, source.all_quarantined, private=bool(names))
    counts = source.done(states)
    return Restored(
        out,
        len(files) - len(source.quarantine),
        added=counts.total(),
        changed=counts["changed"],
        unknown=counts["unknown"],
        quarantine=source.all_quarantined,
        listed_in=left_out,
        account=tuple(source.account()),
    )


def _claim(out: Path, made_by: str) -> None:
    """Begin the list of what is done. Raises UsageError if the folder holds something else."""
    lines = out / DONE
    there = sorted(entry.name for entry in out.glob("*"))
    if next(JsonLines(lines).rows(), None) == {"made_by": made_by}:
        return
    if lines.exists():
        raise UsageError(
            f"{out}: holds files that another encoder made. Choose another output folder."
        )
    if there:
        raise UsageError(
            f"{out}: expected a new or empty folder, or one that this command began, "
            f"found {', '.join(there[:3])}. Choose another output folder."
        )
    write_text(lines, json.dumps({"made_by": made_by}) + "\n")


def _files(items: Items, out: Path, ending: str) -> list[Path]:
    """The file of each item. Raises DataError for one outside `out`, or for a file of two items."""
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
    """Raises UsageError if results would lie among the data and be read as data."""
    root = (data if data.is_dir() else data.parent).resolve()
    if out.resolve().is_relative_to(root) and (data.is_dir() or out.resolve() == root):
        raise UsageError(f"{out}: lies within the data. Choose an output folder outside of {root}.")
