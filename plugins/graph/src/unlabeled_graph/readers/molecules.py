"""Files of molecules: SMILES files, tables with a column of SMILES, and SDF; also gzipped.

Every molecule is parsed to index it, because its size and scaffold come from there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field
from rdkit import Chem
from rdkit.Chem.Scaffolds.MurckoScaffold import GetScaffoldForMol
from torch_geometric.data import Data

from unlabeled.contract import Preview, Previews
from unlabeled.data.items import Item, Items
from unlabeled.data.listing import FileRules, Listed, Listing, list_files
from unlabeled.data.signature import content_of
from unlabeled.data.tables import SUFFIXES, read_table
from unlabeled.errors import DataError, UnreadableItem
from unlabeled.wording import counted
from unlabeled_graph.readers.atoms import EDGE_FEATURES, NODE_FEATURES, molecule_graph
from unlabeled_graph.readers.drawing import drawing_of
from unlabeled_graph.readers.molecule_files import (
    SDF,
    SMILES,
    Row,
    kind_of,
    sdf_rows,
    smiles_rows,
    table_rows,
)
from unlabeled_graph.readers.pictures import previews_of

ENDINGS = (*SMILES, *SDF, *(f"{each}.gz" for each in (*SMILES, *SDF)), *SUFFIXES)
COLUMNS = ("id", "source", "group", "size", "signature", "line", "smiles", "name")
ACYCLIC = "acyclic"
"""The group of all molecules without a ring, which have no scaffold."""
SHOWN = 80
"""Characters of what could not be parsed."""


class Molecules(FileRules, Previews):
    """Reads molecules as graphs of atoms and bonds; group = Bemis-Murcko scaffold, size = atoms.

    Bemis and Murcko 1996, without chirality; where `group` is set, the field of the file's name.
    The id is `file#line` (`file#record` of an SDF), or the value of `id_column`; `name` is the
    molecule's name in the file. Atoms are counted from 0 in the SMILES of the index, which is that
    of the file, or rdkit's own for a record of an SDF or a chosen fragment.
    """

    smiles_column: str = Field("smiles", description="column of tables with the SMILES")
    name_column: str = Field("name", description="column of tables with names, if there is one")
    id_column: str | None = Field(None, description="column of tables with unique ids")
    fragments: Literal["all", "largest"] = Field(
        "all", description="of salts and mixtures: all parts as one graph, or the one of most atoms"
    )
    duplicates: Literal["keep", "drop"] = Field(
        "keep", description="molecules of equal canonical SMILES; drop keeps the first of each"
    )

    def index(self, path: Path) -> Items:
        """All molecules below `path` (a file or a folder).

        Rows that cannot be parsed are quarantined. Raises DataError if there is no molecule, or an
        id occurs twice.
        """
        listing = list_files(path, self, ENDINGS)
        found = Found(listing, self.fragments, self.duplicates)
        for file in listing.files:
            try:
                found.add(self._rows(file, found), file, self.group)
            except (OSError, EOFError, ValueError) as error:
                bad = UnreadableItem(str(file.path), "a file of molecules", str(error))
                listing.quarantine(bad)
        _require_unique(found.columns["id"], path)
        return listing.items(found.filled(), [*found.notes, *found.warnings()], of="molecule")

    def read(self, item: Item, rng: np.random.Generator | None = None) -> Data:  # noqa: ARG002
        """The graph of `unlabeled_graph.readers.atoms.molecule_graph`. Raises UnreadableItem."""
        return molecule_graph(
            item.metadata["smiles"], f"{item.source}, line {item.metadata['line']}"
        )

    def describe(self, items: Items) -> Mapping[str, int]:  # noqa: ARG002
        return {"node_features": NODE_FEATURES, "edge_features": EDGE_FEATURES}

    def previews(self, item: Item, sample: Data) -> list[Preview]:
        """The structural formula; of a view with other atoms or bonds its graph."""
        whole = self.read(item)
        same = whole.num_nodes == sample.num_nodes and whole.num_edges == sample.num_edges
        return previews_of(item.metadata["smiles"]) if same else drawing_of(sample)

    def _rows(self, file: Listed, found: Found) -> Iterable[Row]:
        """Raises OSError, EOFError or ValueError; DataError where a column of ids is missing."""
        if kind_of(file.path) in SMILES:
            return smiles_rows(file.path)
        if kind_of(file.path) in SDF:
            return sdf_rows(file.path)
        try:
            table = read_table(file.path)
        except DataError as error:
            raise ValueError(str(error).removeprefix(f"{file.path}: ")) from error
        smiles = _column(table.names, self.smiles_column)
        if smiles is None:
            found.listing.leave_out(
                f"that have no column {self.smiles_column} (reader.smiles_column)", file.name
            )
            return ()
        identity = _column(table.names, self.id_column) if self.id_column else None
        if self.id_column and identity is None:
            raise DataError(
                f"{file.path}: expected a column {self.id_column!r} with ids, found "
                f"{', '.join(table.names)}. Set reader.id_column."
            )
        found.notes += table.notes()
        found.listing.quarantined += table.quarantined()
        if not len(table):
            raise ValueError("no rows")
        return table_rows(table, smiles, _column(table.names, self.name_column), identity)


@dataclass(slots=True)
class Found:
    """Collects the index: columns of molecules, rows left out, and notes."""

    listing: Listing
    fragments: str
    duplicates: str
    columns: dict[str, list[Any]] = field(default_factory=lambda: {name: [] for name in COLUMNS})
    notes: list[str] = field(default_factory=list)
    mixtures: int = 0
    repeated: int = 0
    _seen: set[int] = field(default_factory=set)

    def add(self, rows: Iterable[Row], file: Listed, group: str | None) -> None:
        """Add the molecules of one file. Raises what `rows` raises; ValueError if there is none."""
        expected = "a molecule" if kind_of(file.path) in SDF else "a SMILES string"
        empty = kind_of(file.path) in (*SMILES, *SDF)
        for row in rows:
            empty = False
            place, shown = f"{file.path}, line {row.line}", row.text[:SHOWN] or "nothing"
            if row.molecule is None:
                self.listing.quarantine(UnreadableItem(place, expected, shown))
                continue
            try:
                self._add(row, row.molecule, file, group)
            except (
                ValueError,
                RuntimeError,
            ) as error:  # rdkit failed; later rows may still be readable
                bad = UnreadableItem(place, "a molecule that rdkit can take", f"{shown} ({error})")
                self.listing.quarantine(bad)
        if empty:
            raise ValueError("no rows")

    def _add(self, row: Row, molecule: Chem.Mol, file: Listed, group: str | None) -> None:
        smiles = Chem.MolToSmiles(molecule) if kind_of(file.path) in SDF else row.text
        mixed = len(Chem.GetMolFrags(molecule)) > 1
        if mixed and self.fragments == "largest":
            molecule = largest_fragment(molecule)
            smiles = Chem.MolToSmiles(molecule)
        # 64 bits of each are enough to tell millions apart, and take a tenth of the memory.
        key = hash(Chem.MolToSmiles(molecule))
        again = key in self._seen
        values = (
            row.id or f"{file.name}#{row.line}",
            str(file.path),
            file.group if group or file.group else _scaffold(molecule),
            molecule.GetNumAtoms(),
            # A molecule is a part of its file: another row does not change it.
            content_of(smiles),
            row.line,
            smiles,
            row.name,
        )
        self.mixtures += mixed
        self.repeated += again
        self._seen.add(key)
        if again and self.duplicates == "drop":
            self.listing.leave_out("that repeat an earlier molecule (reader.duplicates)")
            return
        for column, value in file.row(dict(zip(COLUMNS, values, strict=True))).items():
            self.columns.setdefault(column, []).append(value)

    def filled(self) -> dict[str, list[Any]]:
        """The columns, without names where there are none."""
        return {name: found for name, found in self.columns.items() if name != "name" or any(found)}

    def warnings(self) -> list[str]:
        """Notes on salts, mixtures and duplicates."""
        found = []
        if self.mixtures:
            what = {"all": "all are kept", "largest": "the largest is kept"}[self.fragments]
            mixtures = counted(self.mixtures, "molecule", "is", "are")
            found.append(
                f"{mixtures} of several fragments (salts, mixtures): {what} (reader.fragments)."
            )
        if self.repeated and self.duplicates == "keep":
            found.append(
                f"{counted(self.repeated, 'molecule', 'repeats', 'repeat')} an earlier one, by "
                "their canonical SMILES: all are kept (reader.duplicates)."
            )
        return found


def largest_fragment(molecule: Chem.Mol) -> Chem.Mol:
    """The fragment of most heavy atoms; of equal ones the heaviest, then the first by SMILES.

    The choice does not depend on how the molecule is written.
    """
    fragments = Chem.GetMolFrags(molecule, asMols=True)
    largest: Chem.Mol = min(fragments, key=lambda part: (*_size(part), Chem.MolToSmiles(part)))
    return largest


def _size(part: Chem.Mol) -> tuple[int, int]:
    """Ascends from large to small."""
    return -part.GetNumHeavyAtoms(), -sum(atom.GetAtomicNum() for atom in part.GetAtoms())


def _column(names: Sequence[str], wanted: str) -> str | None:
    """The column of this name, in capitals or not; None if there is none."""
    if wanted in names:
        return wanted
    return next((name for name in names if name.lower() == wanted.lower()), None)


def _scaffold(molecule: Chem.Mol) -> str:
    """The ring systems and what joins them, as SMILES without chirality."""
    scaffold = GetScaffoldForMol(molecule)  # type: ignore[no-untyped-call]
    return Chem.MolToSmiles(scaffold, isomericSmiles=False) or ACYCLIC


def _require_unique(ids: list[str], path: Path) -> None:
    seen: set[str] = set()
    for name in ids:
        if name in seen:
            raise DataError(
                f"{path}: expected unique ids, found {name!r} twice. "
                "Choose another reader.id_column, or none."
            )
        seen.add(name)
