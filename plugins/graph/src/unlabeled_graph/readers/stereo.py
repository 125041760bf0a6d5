"""Stereochemistry by CIP labels, which do not depend on how a molecule is written.

rdkit's chiral tags (clockwise, anticlockwise) follow the order of neighbours in a SMILES string, so
they differ between spellings of one molecule. The labels of Cahn, Ingold and Prelog do not: R and S
of atoms, E and Z of double bonds. Source: Hanson et al., J. Chem. Inf. Model. 2018, 58, 1755, as
rdkit's `rdCIPLabeler` has it.
"""

from __future__ import annotations

from rdkit import Chem
from rdkit.Chem import rdCIPLabeler

COLUMN_OF = {"S": 0, "s": 0, "E": 0, "e": 0, "R": 1, "r": 1, "Z": 1, "z": 1}
"""A double bond is labelled at its two atoms, where encoders without edge features see it too. Its
atoms are flat and never have R or S, so two columns serve for both."""

NONE = 2
"""Of an atom without a label."""

MOST_STEPS = 1_250_000
"""About a second. Only symmetric cages come near it."""


def stereo_columns(molecule: Chem.Mol) -> list[int]:
    """For each atom 0 (S, or an end of a double bond E), 1 (R or Z) or 2 (neither).

    Raises RuntimeError where the labels take more than MOST_STEPS.
    """
    columns = [NONE] * molecule.GetNumAtoms()
    if not _marked(molecule):
        return columns
    # The parser leaves labels of an older algorithm, which the new one does not clear.
    for atom in molecule.GetAtoms():
        atom.ClearProp("_CIPCode")
    for bond in molecule.GetBonds():
        bond.ClearProp("_CIPCode")
    rdCIPLabeler.AssignCIPLabels(molecule, maxRecursiveIterations=MOST_STEPS)
    for bond in molecule.GetBonds():
        for end in (bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()):
            columns[end] = _column(bond, columns[end])
    return [_column(atom, columns[atom.GetIdx()]) for atom in molecule.GetAtoms()]


def _marked(molecule: Chem.Mol) -> bool:
    return any(
        atom.GetChiralTag() != Chem.ChiralType.CHI_UNSPECIFIED for atom in molecule.GetAtoms()
    ) or any(bond.GetStereo() > Chem.BondStereo.STEREOANY for bond in molecule.GetBonds())


def _column(part: Chem.Atom | Chem.Bond, otherwise: int) -> int:
    if not part.HasProp("_CIPCode"):
        return otherwise
    return COLUMN_OF.get(part.GetProp("_CIPCode"), otherwise)
