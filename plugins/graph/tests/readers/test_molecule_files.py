from pathlib import Path

import pytest

from unlabeled_graph.readers.molecule_files import (
    decoded,
    kind_of,
    parse,
    sdf_rows,
    smiles_rows,
)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.smi", ".smi"),
        ("a.SMI.GZ", ".smi"),
        ("a.b.sdf", ".sdf"),
        ("a.csv.gz", ".csv"),
        ("a.tsv", ".tsv"),
        ("a.png", ".png"),
        ("smi", ""),
    ],
)
def test_files_are_known_by_their_endings(name, kind):
    assert kind_of(Path(name)) == kind


def test_text_is_utf8_or_latin1():
    assert decoded("é".encode()) == decoded("é".encode("latin-1")) == "é"


def test_no_atom_is_no_molecule():
    assert parse("") is None
    assert parse("CC").GetNumAtoms() == 2


def test_a_header_is_no_molecule_and_lines_keep_their_numbers(tmp_path):
    file = tmp_path / "a.smi"
    file.write_text("SMILES Name\n\nCC two words \nC\n")
    rows = list(smiles_rows(file))
    assert [(row.line, row.text, row.name) for row in rows] == [
        (3, "CC", "two words"),
        (4, "C", ""),
    ]


def test_a_record_without_its_end_is_read_too(tmp_path):
    file = tmp_path / "a.mol"
    file.write_text("title\n\n\nnonsense\n")
    (row,) = sdf_rows(file)
    assert (row.line, row.molecule, row.name) == (1, None, "title")
