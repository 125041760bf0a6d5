"""A molecule as chemists draw it."""

from __future__ import annotations

from rdkit import Chem
from rdkit.Chem.Draw import rdMolDraw2D

from unlabeled.contract import Preview

SIDE = 260
"""Width and height, in pixels."""
ATOMS = 300
"""Larger molecules are not drawn: their layout may take minutes."""


def previews_of(smiles: str) -> list[Preview]:
    """The structural formula of a SMILES string that parses; nothing of very large molecules."""
    molecule = Chem.MolFromSmiles(smiles)
    if molecule is None or molecule.GetNumAtoms() > ATOMS:
        return []
    drawing = rdMolDraw2D.MolDraw2DSVG(SIDE, SIDE)
    rdMolDraw2D.PrepareAndDrawMolecule(drawing, molecule)
    drawing.FinishDrawing()
    caption = f"{molecule.GetNumAtoms()} atoms, {molecule.GetNumBonds()} bonds"
    return [Preview(drawing.GetDrawingText().encode(), "svg", caption)]
