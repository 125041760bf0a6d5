"""Rows of files of molecules: SMILES files, tables with a column of SMILES, and SDF; also gzipped.

SMILES files and SDF are read one row or record at a time; a table is read whole.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from rdkit import Chem, rdBase

from unlabeled.data.tables import Table

SMILES = (".smi", ".smiles", ".ism")
SDF = (".sdf", ".sd", ".mol")
END_OF_RECORD = b"$$$$"
HEAD = 4096
"""Bytes that are inspected to recognise text."""


@dataclass(frozen=True, slots=True)
class Row:
    """One molecule of a file. line: its line, counted from 1 (of an SDF, the record); molecule: the
    parsed one, None if it cannot be parsed; text: as in the file; name: empty if the file gives
    none; id: from the column of ids, or empty."""

    line: int
    molecule: Chem.Mol | None
    text: str
    name: str = ""
    id: str = ""


def kind_of(file: Path) -> str:
    """The ending in lower case, without `.gz`."""
    return Path(file.name.lower().removesuffix(".gz")).suffix


def smiles_rows(file: Path) -> Iterator[Row]:
    """A SMILES string, white space and a name in each line, below a header if there is one.

    Raises OSError, EOFError, or ValueError where the file is no text.
    """
    with _open(file) as stream:
        if b"\0" in stream.read(HEAD):
            raise ValueError("bytes that are no text")
        stream.seek(0)
        for number, line in enumerate(stream, start=1):
            words = decoded(line).split(maxsplit=1)
            if words and not (number == 1 and words[0].lower() == "smiles"):
                yield Row(number, parse(words[0]), words[0], words[1].strip() if words[1:] else "")


def table_rows(table: Table, smiles: str, name: str | None, identity: str | None) -> Iterator[Row]:
    """The rows of a table, by the columns with SMILES, names and ids."""
    columns = [table.columns[each].to_pylist() if each else None for each in (name, identity)]
    names, ids = columns
    for place, text in enumerate(table.columns[smiles].to_pylist()):
        yield Row(
            int(table.rows[place]),
            parse(text) if text else None,
            text or "",
            _text(names, place),
            _text(ids, place),
        )


def sdf_rows(file: Path) -> Iterator[Row]:
    """One record of an SDF after the other, named by its title. Raises OSError or EOFError."""
    with _open(file) as stream:
        record: list[bytes] = []
        number = 0
        for line in stream:
            if line.startswith(END_OF_RECORD):
                number += 1
                yield _of_record(number, record)
                record = []
            else:
                record.append(line)
        if any(line.strip() for line in record):
            yield _of_record(number + 1, record)


def parse(smiles: str) -> Chem.Mol | None:
    """The molecule, or None where rdkit cannot read it or finds no atom. Logs nothing."""
    with rdBase.BlockLogs():
        return _with_atoms(Chem.MolFromSmiles(smiles))


def decoded(line: bytes) -> str:
    """UTF-8, with or without a byte-order mark, or else Latin-1."""
    try:
        return line.decode("utf-8-sig")
    except UnicodeDecodeError:
        return line.decode("latin-1")


def _of_record(number: int, record: list[bytes]) -> Row:
    lines = [decoded(line).rstrip("\r\n") for line in record]
    title = lines[0].strip() if lines else ""
    with rdBase.BlockLogs():
        try:
            molecule = Chem.MolFromMolBlock("\n".join(lines))
        except RuntimeError:  # broken counts and V3000 blocks
            molecule = None
    return Row(number, _with_atoms(molecule), f"record {number} ({title or 'no title'})", title)


def _with_atoms(molecule: Chem.Mol | None) -> Chem.Mol | None:
    return molecule if molecule is not None and molecule.GetNumAtoms() > 0 else None


def _text(column: list[object] | None, place: int) -> str:
    value = column[place] if column else None
    return "" if value is None else str(value)


def _open(file: Path) -> IO[bytes]:
    return gzip.open(file) if file.name.lower().endswith(".gz") else file.open("rb")  # type: ignore[return-value]
