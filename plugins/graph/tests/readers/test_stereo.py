"""L is not D, E is not Z, and a molecule written anew stays the same molecule."""

import csv
import os
import random
from itertools import product
from pathlib import Path

import pytest
import torch
from rdkit import Chem
from rdkit.Chem import AllChem

from unlabeled.errors import UnreadableItem
from unlabeled_graph.encoders.gin import GIN, GINSettings
from unlabeled_graph.readers import atoms
from unlabeled_graph.readers.atoms import EDGE_FEATURES, NODE_FEATURES, molecule_graph
from unlabeled_graph.readers.stereo import stereo_columns

TAILS = ("CC", "c1ccccc1", "CO", "CN", "C(=O)O", "CS", "C#N", "C1CCC1", "CF", "C(C)C")
CORES = ("{a}[C@H]({b})/C=C/{c}", "{a}[C@@H]({b})CC[C@](C)(O){c}", "{a}[C@H]1C[C@@H]({b})N({c})C1")


@pytest.fixture(scope="module")
def encoder():
    torch.manual_seed(0)
    settings = GINSettings(
        node_features=NODE_FEATURES, edge_features=EDGE_FEATURES, width=32, depth=4, jump="all"
    )
    return GIN(settings).eval()


def embedding(encoder, *spellings):
    with torch.inference_mode():
        return encoder(encoder.collate([molecule_graph(each, "here") for each in spellings]))


def three_hundred():
    """Molecules with one to three stereocentres, every fifth of them with a salt beside it."""
    for number, (core, *tails) in enumerate(product(CORES, TAILS[:5], TAILS[2:7], TAILS[6:])):
        a, b, c = tails
        yield core.format(a=f"C{a}", b=f"CC{b}", c=c) + ("" if number % 5 else ".[Na+].[Cl-]")


def rewritten(smiles, seed):
    molecule = Chem.MolFromSmiles(smiles)
    kekule = bool(seed % 2)
    return Chem.MolToRandomSmilesVect(molecule, 1, randomSeed=seed + 1, kekuleSmiles=kekule)[0]


def test_three_hundred_molecules_written_anew_have_the_same_embeddings(encoder):
    molecules = random.Random(0).sample(list(three_hundred()), 300)
    assert len({Chem.CanonSmiles(each) for each in molecules}) == 300
    again = [rewritten(each, seed) for seed, each in enumerate(molecules)]
    assert sum(one != other for one, other in zip(molecules, again, strict=True)) > 290
    torch.testing.assert_close(
        embedding(encoder, *molecules), embedding(encoder, *again), rtol=1e-5, atol=1e-5
    )


def test_every_pair_of_mirror_images_differs(encoder):
    molecules = [each.split(".")[0] for each in list(three_hundred())[:100]]
    mirrored = [each.replace("@@", "!").replace("@", "@@").replace("!", "@") for each in molecules]
    change = embedding(encoder, *molecules) - embedding(encoder, *mirrored)
    assert change.abs().amax(1).min() > 1e-3


@pytest.mark.parametrize(
    ("smiles", "columns"),
    [
        ("C[C@H](N)C(=O)O", [2, 0, 2, 2, 2, 2]),  # L-alanine is S
        ("N[C@@H](C)C(=O)O", [2, 0, 2, 2, 2, 2]),
        ("OC(=O)[C@H](C)N", [2, 2, 2, 0, 2, 2]),
        ("C[C@@H](N)C(=O)O", [2, 1, 2, 2, 2, 2]),  # D-alanine is R
        ("C/C=C/C", [2, 0, 0, 2]),
        ("C/C=C\\C", [2, 1, 1, 2]),
        ("CC=CC", [2, 2, 2, 2]),
        ("C/C=N/O", [2, 0, 0, 2]),
        ("C[S@](=O)CC", [2, 0, 2, 2, 2]),
        ("C[C@H]1CC[C@@H](C)CC1", [2, 0, 2, 2, 0, 2, 2, 2]),  # cis: s and s
        ("C[C@H]1CC[C@H](C)CC1", [2, 1, 2, 2, 1, 2, 2, 2]),
        ("C[C@H](C)C", [2, 2, 2, 2]),  # a mark where there is no centre
    ],
)
def test_labels_are_those_of_cahn_ingold_and_prelog(smiles, columns):
    assert stereo_columns(Chem.MolFromSmiles(smiles)) == columns


def test_the_labels_of_an_older_algorithm_do_not_stay():
    molecule = Chem.MolFromSmiles("C[C@H](N)C(=O)O")
    molecule.GetAtomWithIdx(0).SetProp("_CIPCode", "R")
    assert stereo_columns(molecule) == [2, 0, 2, 2, 2, 2]


def test_a_double_bond_is_seen_without_edge_features():
    assert not torch.equal(
        molecule_graph("F/C=C/F", "here").x, molecule_graph("F/C=C\\F", "here").x
    )


def test_labels_that_would_take_too_long_are_named(monkeypatch):
    def endless(_):
        raise RuntimeError("Max Iterations Exceeded in CIP label calculation")

    monkeypatch.setattr(atoms, "stereo_columns", endless)
    with pytest.raises(UnreadableItem, match=r"a\.smi, line 3: expected CIP labels within"):
        molecule_graph("C[C@H](N)CC(=O)OCC", "a.smi, line 3")


def test_a_chiral_molecule_of_a_structure_file_has_the_label_of_its_smiles():
    molecule = Chem.AddHs(Chem.MolFromSmiles("C[C@H](N)C(=O)O"))
    AllChem.EmbedMolecule(molecule, randomSeed=0)
    block = Chem.MolToMolBlock(Chem.RemoveHs(molecule))
    assert stereo_columns(Chem.MolFromMolBlock(block)).count(0) == 1


@pytest.mark.parametrize("table", ["bace", "isomers", "single_centre_rs"])
def test_labels_of_real_molecules_are_those_of_the_table(table):
    """Labels of `mol_stereo`, which were computed apart from this project."""
    rows = read_stereo(table)
    for row in rows:
        columns = stereo_columns(Chem.MolFromSmiles(row["smiles"]))
        named = row.get("cip_atoms", f"{row.get('atom')}:{row.get('label')}")
        atoms_named = [part.split(":") for part in named.split(";") if part]
        for atom, label in atoms_named:
            assert columns[int(atom)] == {"S": 0, "s": 0, "R": 1, "r": 1}[label], row["smiles"]


def test_isomers_that_are_labelled_apart_have_embeddings_apart(encoder):
    forms = {}
    for row in read_stereo("isomers"):
        forms.setdefault(row["group"], []).append(row["smiles"])
    closest = [
        torch.pdist(embedding(encoder, *each)).min() for each in forms.values() if len(each) > 1
    ]
    assert len(closest) > 100
    assert min(closest) > 1e-3


def read_stereo(table):
    folder = Path(os.environ.get("UNLABELED_DATA", ""), "graph", "mol_stereo")
    if not folder.is_dir():
        pytest.skip("UNLABELED_DATA has no graph/mol_stereo")
    with (folder / f"{table}.csv").open() as file:
        return list(csv.DictReader(file))
