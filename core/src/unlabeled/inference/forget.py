"""Remove one group, such as a patient, from a run or a table of embeddings.

Each file is replaced as a whole, and the list of names last: a call that was interrupted can be
made again. The weights still contain what was learned from the group, and copies elsewhere are
unknown; the result says so.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from unlabeled.atomic import new_file, write_bytes, write_json, write_text
from unlabeled.commands import command
from unlabeled.contract import KeepsCopies
from unlabeled.data.quarantine import OWNER
from unlabeled.errors import DataError, PluginError, RecipeError
from unlabeled.export.encoder import OF_CHECKPOINTS, encoder_folder, load_reader
from unlabeled.inference.person import Person, known_to, named
from unlabeled.inference.table import Maker, read_schema
from unlabeled.privacy import names_as_csv, read_names
from unlabeled.run_folder import ENCODER, JsonLines, RunFolder

TEXTS = (".json", ".jsonl", ".csv", ".yaml", ".md", ".html")


@dataclass(frozen=True, slots=True)
class Forgotten:
    """removed: entries by file; remains: sentences about what still holds traces of the group."""

    path: Path
    removed: Mapping[str, int]
    remains: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "path": str(self.path)}


def forget(path: Path | str, group: str) -> Forgotten:
    """Remove the entries of one group from a run or a table of embeddings.

    path: a run, or a Parquet file that `embed` wrote; group: its name, or of private data its
    pseudonym. Of a run: the entries of its lists, in `private/` too, the tables that lie in its
    folder, and the reader's copies (`KeepsCopies`). Of a table: its rows.
    Raises DataError if there is no such group, RunError if somebody writes to the run.
    """
    path = Path(path)
    if not path.is_dir():
        return _of_table(path, group)
    folder = RunFolder(path)
    folder.read()
    with folder.locked():
        return _of_run(folder, group)


def _of_run(folder: RunFolder, group: str) -> Forgotten:
    person = known_to(folder, group)
    removed = dict(_cut_run(folder, person))
    tables = [file for file in folder.path.rglob("*.parquet") if _holds(file, person.groups)]
    for table in tables:
        removed[str(table.relative_to(folder.path))] = _cut_table(table, person.groups)[0]
    copies, unknown = _forget_copies(folder, person)
    removed |= {"copies that the reader kept": copies}
    file = folder.private / "items.csv"
    if file.is_file():  # last: it resolves the pseudonyms of the other entries
        removed["private/items.csv"] = _cut_names(file, person)
    removed = {name: count for name, count in removed.items() if count}
    if not removed:
        raise _unknown(folder.path, group)
    return Forgotten(folder.path, removed, (*_remains(folder, person), *unknown))


def _cut_run(folder: RunFolder, person: Person) -> Iterator[tuple[str, int]]:
    """(file, entries removed) of every list of a run."""
    signature = "signature"
    rules: dict[Path, Callable[[Mapping[str, Any]], bool]] = {
        folder.private / "signatures.jsonl": lambda row: person.owns(row[signature]),
        folder.trained_on: lambda row: row["item"] in person.items,
    }
    for file in (*folder.path.glob("*quarantine.jsonl"), *folder.private.glob("*quarantine.jsonl")):
        rules[file] = lambda row: person.mentioned(f"{row['item']}\n{row['source']}")
    for file, drop in rules.items():
        yield str(file.relative_to(folder.path)), _cut_lines(file, drop)
    yield str(folder.labelled.relative_to(folder.path)), _cut_labelled(folder.labelled, person)
    others = (folder.path / OF_CHECKPOINTS).glob("*/config.json")
    for config in (folder.encoder / "config.json", *sorted(others)):
        name = str(config.relative_to(folder.path))
        yield name, _cut_labelled(config, person, "provenance", "labelled")


def _cut_lines(file: Path, drop: Callable[[Mapping[str, Any]], bool]) -> int:
    rows = list(JsonLines(file).rows())
    kept = [row for row in rows if not drop(row)]
    if len(kept) < len(rows):
        text = "".join(ENCODER.encode(row) + "\n" for row in kept)
        write_text(file, text, mode=file.stat().st_mode & 0o777)
    return len(rows) - len(kept)


def _cut_labelled(file: Path, person: Person, *place: str) -> int:
    """Names and contents in the list of what had labels. place: the keys that lead to it."""
    if not file.is_file():
        return 0
    found = whole = json.loads(file.read_text(encoding="utf-8"))
    for key in place:
        found = found.get(key) or {}
    own = {kept.rpartition(".")[2] or kept for kept in person.signatures} | person.signatures
    kept = {
        "groups": [each for each in found.get("groups", []) if each not in person.labelled],
        "contents": [each for each in found.get("contents", []) if each not in own],
    }
    count = sum(len(found.get(key, [])) - len(kept[key]) for key in kept)
    if count:
        found.update(kept)
        mode = file.stat().st_mode & 0o777
        write_json(file, whole)
        file.chmod(mode)
    return count


def _cut_names(file: Path, person: Person) -> int:
    table = read_names(file)
    own = pc.is_in(table["group"], pa.array(sorted(person.groups)))
    kept = table.filter(pc.invert(own))
    if len(kept) < len(table):
        write_bytes(file, names_as_csv(kept), mode=OWNER)
    return len(table) - len(kept)


def _of_table(path: Path, group: str) -> Forgotten:
    maker = Maker.written(read_schema(path).metadata)
    private = Path(maker.encoder).parent / "private"
    beside = path.with_name(f"{path.name}.private")
    groups = named(private, group) | named(beside, group)
    count, signatures = _cut_table(path, groups)
    parts = path.parent.glob(f".{path.name}.*.parts/*.parquet")
    unfinished = sum(_cut_table(part, groups)[0] for part in parts)
    removed = {path.name: count, "its unfinished parts": unfinished}
    for folder in (private, beside):
        lines = folder / "signatures.jsonl"
        removed[str(lines)] = _cut_lines(lines, lambda row: row["pseudonym"] in signatures)
    removed = {name: count for name, count in removed.items() if count}
    if not removed:
        raise _unknown(path, group)
    return Forgotten(path, removed, tuple(_remains_of_table(path, maker, group)))


def _cut_table(path: Path, groups: frozenset[str]) -> tuple[int, set[str]]:
    """The number of rows of these groups, and their signatures. The file keeps its layout."""
    count, signatures, wanted = 0, set[str](), pa.array(sorted(groups))
    if not _holds(path, groups):
        return 0, set()
    with (
        pq.ParquetFile(path) as file,
        new_file(path) as partial,
        pq.ParquetWriter(partial, file.schema_arrow) as writer,
    ):
        for number in range(file.num_row_groups):
            rows = file.read_row_group(number)
            own = pc.is_in(rows["group"], wanted)
            gone, kept = rows.filter(own), rows.filter(pc.invert(own))
            count += len(gone)
            if "signature" in rows.column_names:
                signatures |= set(gone["signature"].to_pylist()) - {None}
            if len(kept):
                writer.write_table(kept)
    return count, signatures


def _holds(path: Path, groups: frozenset[str]) -> bool:
    """Whether a Parquet file has rows of these groups."""
    with pq.ParquetFile(path) as file:
        if "group" not in file.schema_arrow.names:
            return False
        wanted = pa.array(sorted(groups))
        pieces = (file.read_row_group(n, ["group"]) for n in range(file.num_row_groups))
        return any(pc.any(pc.is_in(piece["group"], wanted)).as_py() for piece in pieces)


def _forget_copies(folder: RunFolder, person: Person) -> tuple[int, list[str]]:
    """The number of files the reader deleted, and a sentence if it cannot be asked."""
    if not (folder.encoder / "config.json").is_file():
        return 0, ["what the reader keeps elsewhere: the run has no encoder yet that names it"]
    try:
        reader = load_reader(encoder_folder(folder.path))
    except (PluginError, RecipeError) as error:
        return 0, [f"what the reader keeps elsewhere: {error}"]
    if not isinstance(reader, KeepsCopies):
        return 0, []
    return reader.forget_copies(sorted(person.sources)), []


def _remains(folder: RunFolder, person: Person) -> Iterator[str]:
    kept = (folder.checkpoints, folder.path / OF_CHECKPOINTS)
    count = sum(len(list(each.glob("step-*"))) for each in kept)
    yield (
        f"the weights ({folder.encoder} and {count} checkpoints): they were trained on the group, "
        "and only a new run without it is free of it"
    )
    yield "tables of embeddings elsewhere: " + command("forget", "TABLE", "--group", "GROUP")
    yield "files that were exported or copied, and the data themselves"
    for file in sorted(folder.path.rglob("*")):
        if file.suffix in TEXTS and person.mentioned(file.read_text("utf-8", errors="replace")):
            yield f"{file}: names the group or an item of it"


def _remains_of_table(path: Path, maker: Maker, group: str) -> Iterator[str]:
    run = Path(maker.encoder).parent
    if RunFolder(run).holds_run():
        yield f"the run: {command('forget', run, '--group', group)}"
    yield f"files that were made of {path.name} or copied from it, and the data themselves"


def _unknown(path: Path, group: str) -> DataError:
    return DataError(
        f"{path}: holds nothing of a group {group!r}. Expected a value of the column `group`, or "
        "of private data its pseudonym; `unlabeled inspect` lists the groups of data."
    )
