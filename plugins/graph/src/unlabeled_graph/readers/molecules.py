"""Tables of molecules: SMILES files (`.smi`) and CSV files with a column of SMILES, also gzipped.

A `.smi` line is a SMILES string, then white space and anything. Nothing but the table is read to
index it, but every SMILES is parsed, because its size and scaffold come from there.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from pydantic import Field
from rdkit import Chem
from rdkit.Chem.Scaffolds.MurckoScaffold import GetScaffoldForMol
from torch_geometric.data import Data

from unlabeled.data.items import Item, Items, Quarantined
from unlabeled.errors import DataError, UnreadableItem
from unlabeled.settings import Settings
from unlabeled_graph.readers.atoms import EDGE_FEATURES, NODE_FEATURES, molecule_graph, parse

COLUMNS = ("id", "source", "group", "size", "line", "smiles")
SUFFIXES = (".smi", ".smi.gz", ".csv", ".csv.gz")
ACYCLIC = "acyclic"
"""The group of all molecules without a ring, which have no scaffold."""


@dataclass(frozen=True, slots=True)
class Row:
    """One molecule of a table. id: empty where the table gives none."""

    line: int
    smiles: str
    id: str


class Molecules(Settings):
    """Reads molecules as graphs of atoms and bonds; group = Bemis-Murcko scaffold, size = atoms.

    Bemis and Murcko 1996, without chirality. The id is `file#line`, or the value of `id_column`.
    """

    smiles_column: str = Field("smiles", description="column of CSV files with the SMILES")
    id_column: str | None = Field(None, description="column of CSV files with unique ids")

    def index(self, path: Path) -> Items:
        """All molecules below `path` (a file or a folder). Unparsable SMILES are quarantined.

        Raises DataError if there is no molecule, or an id stands twice.
        """
        columns: dict[str, list[Any]] = {name: [] for name in COLUMNS}
        quarantine: list[Quarantined] = []
        notes: list[str] = []
        for file, name in _tables(path):
            try:
                self._add_table(file, name, columns, quarantine, notes)
            except (OSError, UnicodeDecodeError, EOFError, csv.Error) as error:
                quarantine.append(Quarantined(str(file), "a text table of molecules", str(error)))
        if not columns["id"]:
            raise _nothing_usable(path, quarantine, notes)
        _require_unique(columns["id"], path)
        return Items.of(columns, quarantine, notes)

    def read(self, item: Item, rng: np.random.Generator | None = None) -> Data:  # noqa: ARG002
        """The graph of `unlabeled_graph.readers.atoms.molecule_graph`. Raises UnreadableItem."""
        return molecule_graph(
            item.metadata["smiles"], f"{item.source}, line {item.metadata['line']}"
        )

    def describe(self, items: Items) -> Mapping[str, int]:  # noqa: ARG002
        return {"node_features": NODE_FEATURES, "edge_features": EDGE_FEATURES}

    def _add_table(
        self,
        file: Path,
        name: str,
        columns: dict[str, list[Any]],
        quarantine: list[Quarantined],
        notes: list[str],
    ) -> None:
        rows = _smi_rows(file) if ".smi" in file.suffixes else self._csv_rows(file)
        if rows is None:
            notes.append(f"{name} has no column {self.smiles_column!r}; left out")
            return
        empty = True
        for row in rows:
            empty = False
            _add(row, file, name, columns, quarantine)
        if empty:
            quarantine.append(Quarantined(str(file), "a table of molecules", "no rows"))

    def _csv_rows(self, file: Path) -> Iterator[Row] | None:
        """None where there is no column of SMILES (a table of labels, say)."""
        with _open(file) as stream:
            header = next(csv.reader(stream), [])
        if self.smiles_column not in header:
            return None
        if self.id_column and self.id_column not in header:
            raise DataError(
                f"{file}: expected a column {self.id_column!r} with ids, found "
                f"{', '.join(header)}. Set reader.id_column."
            )
        return self._molecules_of_csv(file)

    def _molecules_of_csv(self, file: Path) -> Iterator[Row]:
        with _open(file) as stream:
            table = csv.DictReader(stream)
            for row in table:
                name = row[self.id_column] if self.id_column else ""
                yield Row(table.line_num, (row[self.smiles_column] or "").strip(), name or "")


def _tables(path: Path) -> list[tuple[Path, str]]:
    """Every table below `path`, with its name relative to it. Raises DataError."""
    if not path.exists():
        raise DataError(f"{path}: expected a table or a folder of molecules, found nothing there")
    if path.is_file():
        return [(path, path.name)]
    files = sorted(file for file in path.rglob("*") if file.name.endswith(SUFFIXES))
    if not files:
        raise DataError(
            f"{path}: expected files that end in {', '.join(SUFFIXES)}, found none. "
            "Give the folder or the file that holds the SMILES."
        )
    return [(file, file.relative_to(path).as_posix()) for file in files]


def _add(
    row: Row,
    file: Path,
    name: str,
    columns: dict[str, list[Any]],
    quarantine: list[Quarantined],
) -> None:
    molecule = parse(row.smiles)
    if molecule is None:
        found = row.smiles or "nothing"
        quarantine.append(Quarantined(f"{file}, line {row.line}", "a SMILES string", found))
        return
    columns["id"].append(row.id or f"{name}#{row.line}")
    columns["source"].append(str(file))
    columns["group"].append(_scaffold(molecule))
    columns["size"].append(molecule.GetNumAtoms())
    columns["line"].append(row.line)
    columns["smiles"].append(row.smiles)


def _smi_rows(file: Path) -> Iterator[Row]:
    with _open(file) as stream:
        for number, line in enumerate(stream, start=1):
            words = line.split(maxsplit=1)
            if words:
                yield Row(number, words[0], "")


def _scaffold(molecule: Chem.Mol) -> str:
    """The ring systems and what joins them, as SMILES without chirality."""
    scaffold = GetScaffoldForMol(molecule)  # type: ignore[no-untyped-call]
    return Chem.MolToSmiles(scaffold, isomericSmiles=False) or ACYCLIC


def _open(file: Path) -> IO[str]:
    if file.suffix == ".gz":
        return gzip.open(file, "rt", encoding="utf-8", newline="")
    return file.open(encoding="utf-8", newline="")


def _nothing_usable(path: Path, quarantine: list[Quarantined], notes: list[str]) -> DataError:
    if quarantine:
        first = quarantine[0]
        error = UnreadableItem(first.source, first.expected, first.found)
        return DataError(f"{path}: no molecule found in {len(quarantine)} places. First: {error}")
    return DataError(f"{path}: no molecule found. {'; '.join(notes) or 'The tables are empty'}.")


def _require_unique(ids: list[str], path: Path) -> None:
    seen: set[str] = set()
    for name in ids:
        if name in seen:
            raise DataError(
                f"{path}: expected unique ids, found {name!r} twice. "
                "Choose another reader.id_column, or none."
            )
        seen.add(name)
