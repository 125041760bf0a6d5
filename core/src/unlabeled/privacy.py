"""Data about people: pseudonyms everywhere, names in one folder that is never exported.

In the runs of a reader with `private = True`, ids, groups and the metadata that it does not call
`public` are written as keyed hashes, and sources not at all. The key, the names behind the hashes,
and the list of what was left out lie in the run's folder `private/`, readable only by its owner:

salt               32 random bytes, another for each run
items.csv          pseudonym, id, group and source of every item that was trained on or embedded
signatures.jsonl   what tells changed files, and the pseudonym of each
data.json          where the data for training lay, and the table of labels
*quarantine.jsonl  what could not be read, and why
"""

from __future__ import annotations

import hashlib
import io
import json
import secrets
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

import pyarrow as pa
import pyarrow.csv

from unlabeled.atomic import write_bytes
from unlabeled.commands import command
from unlabeled.data.items import OF_PLACE, Items
from unlabeled.data.quarantine import OWNER
from unlabeled.errors import RunError
from unlabeled.run_folder import JsonLines


def is_private(reader: object) -> bool:
    """Whether a reader declares its data to be about people."""
    return bool(getattr(type(reader), "private", False))


class Pseudonyms:
    """The pseudonyms of one run; nothing is written before `remember`.

    folder: `private/` of a run; reader: that of the run. Raises RunError if the folder cannot be
    read.
    """

    def __init__(self, folder: Path, reader: object) -> None:
        self.folder = folder
        self.public = tuple(getattr(type(reader), "public", ()))
        self._kept = {"size", *self.public}
        try:
            self._salt = self._file("salt").read_bytes()
        except FileNotFoundError:
            self._salt = secrets.token_bytes(32)
        except OSError as error:
            raise RunError(f"{self._file('salt')}: cannot be read: {error.strerror}.") from error

    @property
    def quarantine(self) -> Path:
        """The list of what was left out of training."""
        return self._file("quarantine.jsonl")

    def of(self, column: str, values: Iterable[object]) -> list[str]:
        """24 hexadecimal digits for each value of a column; nothing for an empty one."""
        return [self._hash(column, value) if value else "" for value in values]

    def hide_signature(self, signature: str) -> str:
        """The pseudonym of a signature, recorded in `signatures.jsonl`."""
        (hidden,) = self.of("signature", [signature])
        if hidden and hidden not in self._signatures:
            self._signatures[hidden] = signature
            self._signature_lines.append({"pseudonym": hidden, "signature": signature})
            self._signature_lines.close()  # nobody closes pseudonyms
        return hidden

    def signature(self, hidden: str) -> str:
        """The signature behind a pseudonym of `hide_signature`; "" if it is unknown."""
        return self._signatures.get(hidden, "")

    @cached_property
    def _signatures(self) -> dict[str, str]:
        lines = self._signature_lines.rows()
        return {line["pseudonym"]: line["signature"] for line in lines}

    @cached_property
    def _signature_lines(self) -> JsonLines:
        return JsonLines(self._file("signatures.jsonl"))

    def hide(self, items: Items) -> Items:
        """The same rows with pseudonyms, without place and size of their files."""
        table = items.table.drop_columns(list(OF_PLACE))
        for place, name in enumerate(table.column_names):
            if name not in self._kept:
                hidden = pa.array(self.of(name, table[name].to_pylist()), pa.string())
                table = table.set_column(place, name, hidden)
        return Items(table)

    def remember(self, items: Items, data: Path | None = None, labels: str = "") -> None:
        """Record the names behind the pseudonyms of `items`, in addition to known ones.

        data, labels: paths of the training data, and of the table of labels if there is one. Raises
        RunError if that cannot be written.
        """
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.folder.chmod(0o700)
            self.quarantine.touch(mode=OWNER)
            self._file("signatures.jsonl").touch(mode=OWNER)
            self._write("salt", self._salt)
            if data is not None:
                places = {"path": str(data.resolve()), "labels": labels}
                self._write("data.json", json.dumps(places).encode())
            self._write("items.csv", self._csv(items))
        except OSError as error:
            raise RunError(f"{self.folder}: cannot be written: {error.strerror}.") from error

    def _csv(self, items: Items) -> bytes:
        shown, hidden = items.table, self.hide(items).table
        new = pa.table(
            {
                "pseudonym": hidden["id"],
                "id": shown["id"],
                "group_pseudonym": hidden["group"],
                "group": shown["group"],
                "source": shown["source"],
            }
        )
        file = self._file("items.csv")
        if file.exists():
            former = read_names(file)
            known = set(former["pseudonym"].to_pylist())
            names = new["pseudonym"].to_pylist()
            fresh = [row for row, name in enumerate(names) if name not in known]
            new = pa.concat_tables([former, new.take(pa.array(fresh, pa.int64()))])
        return names_as_csv(new)

    def _hash(self, column: str, value: object) -> str:
        text = f"{column}\x1f{value}".encode()
        return hashlib.blake2b(text, digest_size=12, key=self._salt).hexdigest()

    def _file(self, name: str) -> Path:
        return self.folder / name

    def _write(self, name: str, content: bytes) -> None:
        write_bytes(self._file(name), content, mode=OWNER)


def data_of(folder: Path) -> Path:
    """The path of the training data of the run whose `private/` this is. Raises RunError."""
    return Path(_place(folder, "path"))


def labels_of(folder: Path) -> str:
    """The path of the table of labels of that run. Raises RunError."""
    return _place(folder, "labels")


def _place(folder: Path, name: str) -> str:
    file = folder / "data.json"
    try:
        return str(json.loads(file.read_text())[name])
    except (OSError, ValueError, KeyError) as error:
        raise RunError(
            f"{file}: cannot be read: {error!r}. Say where the data lie: "
            f"{command('pretrain', '--resume', folder.parent, 'DATA')}"
        ) from error


def names_as_csv(names: pa.Table) -> bytes:
    """The content of `items.csv`."""
    buffer = io.BytesIO()
    pyarrow.csv.write_csv(names, buffer)
    return buffer.getvalue()


def read_names(file: Path) -> pa.Table:
    """`items.csv`: pseudonym, id, group_pseudonym, group, source, as text."""
    columns = ("pseudonym", "id", "group_pseudonym", "group", "source")
    convert = pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(columns, pa.string()))
    parse = pyarrow.csv.ParseOptions(newlines_in_values=True)
    return pyarrow.csv.read_csv(file, convert_options=convert, parse_options=parse)
