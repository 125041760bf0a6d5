"""ECFP4: extended-connectivity fingerprints of diameter 4.

Source: Rogers and Hahn 2010, J. Chem. Inf. Model. 50, 742-754; rdkit's Morgan generator.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from pydantic import Field
from rdkit.Chem import rdFingerprintGenerator
from torch_geometric.data import Data

from unlabeled.errors import ShapeError
from unlabeled.settings import Settings
from unlabeled_graph.readers.molecule_files import parse


class ECFP4(Settings):
    """The circular substructures of radius 0 to 2 in a molecule, folded into bits."""

    bits: int = Field(2048, gt=0, description="length of the fingerprint")

    def __call__(self, sample: Data) -> np.ndarray:
        """(bits,) 0 or 1. Raises ShapeError for a graph without SMILES."""
        molecule = parse(sample.smiles) if "smiles" in sample else None
        if molecule is None:
            raise ShapeError("graph/ecfp4: expected a molecule with SMILES, found a graph without")
        fingerprint: np.ndarray = _generator(self.bits).GetFingerprintAsNumPy(molecule)
        return fingerprint.astype(np.float32)


@lru_cache(maxsize=4)
def _generator(bits: int) -> rdFingerprintGenerator.FingerprintGenerator64:
    return rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=bits)
