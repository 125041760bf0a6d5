"""Molecules as graphs: one node per heavy atom, two directed edges per bond.

Every feature is a one-hot block; a value outside its list takes the block's last column. The
blocks follow what Hu et al., ICLR 2020, arXiv:1905.12265, give atoms and bonds (element,
chirality, bond type), with degree, hydrogens, charge, hybridisation and ring membership added.
Stereochemistry is that of `stereo`, so that a molecule has the same features however it is written.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

import numpy as np
import torch
from rdkit import Chem
from torch_geometric.data import Data

from unlabeled.errors import UnreadableItem
from unlabeled_graph.readers.molecule_files import parse
from unlabeled_graph.readers.stereo import MOST_STEPS, NONE, stereo_columns

ELEMENTS = (5, 6, 7, 8, 9, 14, 15, 16, 17, 34, 35, 53)
DEGREES = (0, 1, 2, 3, 4)
HYDROGENS = (0, 1, 2, 3)
CHARGES = (-1, 0, 1)
HYBRIDISATIONS = (
    Chem.HybridizationType.SP,
    Chem.HybridizationType.SP2,
    Chem.HybridizationType.SP3,
)
YES_OR_NO = (False, True)
BOND_TYPES = (
    Chem.BondType.SINGLE,
    Chem.BondType.DOUBLE,
    Chem.BondType.TRIPLE,
    Chem.BondType.AROMATIC,
)

ATOM_BLOCKS = MappingProxyType(
    {
        "element": len(ELEMENTS) + 1,
        "degree": len(DEGREES) + 1,
        "hydrogens": len(HYDROGENS) + 1,
        "charge": len(CHARGES) + 1,
        "hybridisation": len(HYBRIDISATIONS) + 1,
        "stereo": NONE + 1,
        "aromatic": 2,
        "ring": 2,
    }
)
"""Columns of the node features, block by block."""

BOND_BLOCKS = MappingProxyType({"type": len(BOND_TYPES) + 1, "conjugated": 2, "ring": 2})
"""Columns of the edge features, block by block."""

NODE_FEATURES = sum(ATOM_BLOCKS.values())
EDGE_FEATURES = sum(BOND_BLOCKS.values())
REMEMBERED = 65_536
"""Molecules kept as integer codes, about 1 kB each, so that an epoch need not parse SMILES."""


@dataclass(frozen=True, slots=True)
class Codes:
    """atoms: (N, blocks) uint8; bonds: (B, 2) int32 atom numbers; kinds: (B, blocks) uint8."""

    atoms: np.ndarray
    bonds: np.ndarray
    kinds: np.ndarray


def molecule_graph(smiles: str, source: str) -> Data:
    """x: (N, NODE_FEATURES) 0/1, edge_index: (2, 2B), edge_attr: (2B, EDGE_FEATURES), smiles.

    Edge 2b and edge 2b + 1 are the two directions of bond b. Raises UnreadableItem, naming
    `source`, if rdkit cannot parse `smiles`, or its stereochemistry is too much to label.
    """
    try:
        codes = _codes(smiles)
    except RuntimeError as error:
        found = f"more, in {smiles}"
        raise UnreadableItem(source, f"CIP labels within {MOST_STEPS} steps", found) from error
    if codes is None:
        raise UnreadableItem(source, "a SMILES string", smiles)
    return Data(
        x=_one_hot(codes.atoms, tuple(ATOM_BLOCKS.values())),
        edge_index=torch.from_numpy(_both_directions(codes.bonds)),
        edge_attr=_one_hot(codes.kinds.repeat(2, axis=0), tuple(BOND_BLOCKS.values())),
        smiles=smiles,
    )


@lru_cache(maxsize=REMEMBERED)
def _codes(smiles: str) -> Codes | None:
    molecule = parse(smiles)
    if molecule is None:
        return None
    bonds = list(molecule.GetBonds())
    ends = [(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in bonds]
    stereo = stereo_columns(molecule)
    return Codes(
        np.array([_atom(atom, stereo[atom.GetIdx()]) for atom in molecule.GetAtoms()], np.uint8),
        np.array(ends, np.int32).reshape(-1, 2),
        np.array([_bond(bond) for bond in bonds], np.uint8).reshape(-1, len(BOND_BLOCKS)),
    )


def _atom(atom: Chem.Atom, stereo: int) -> list[int]:
    return [
        _place(atom.GetAtomicNum(), ELEMENTS),
        _place(atom.GetDegree(), DEGREES),
        _place(atom.GetTotalNumHs(), HYDROGENS),
        _place(atom.GetFormalCharge(), CHARGES),
        _place(atom.GetHybridization(), HYBRIDISATIONS),
        stereo,
        _place(atom.GetIsAromatic(), YES_OR_NO),
        _place(atom.IsInRing(), YES_OR_NO),
    ]


def _bond(bond: Chem.Bond) -> list[int]:
    return [
        _place(bond.GetBondType(), BOND_TYPES),
        _place(bond.GetIsConjugated(), YES_OR_NO),
        _place(bond.IsInRing(), YES_OR_NO),
    ]


def _place(value: object, values: tuple[object, ...]) -> int:
    return values.index(value) if value in values else len(values)


def _one_hot(codes: np.ndarray, widths: tuple[int, ...]) -> torch.Tensor:
    first = np.concatenate([[0], np.cumsum(widths)[:-1]]).astype(np.int64)
    columns = torch.from_numpy(codes + first)
    return torch.zeros(len(codes), sum(widths)).scatter_(1, columns, 1.0)


def _both_directions(bonds: np.ndarray) -> np.ndarray:
    return np.stack([bonds, bonds[:, ::-1]], axis=1).reshape(-1, 2).T.astype(np.int64)
