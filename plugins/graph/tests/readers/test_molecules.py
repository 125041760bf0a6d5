import gzip

import pytest
import torch
from rdkit import Chem
from rdkit.Chem import AllChem

from unlabeled.data.items import Item
from unlabeled.errors import DataError, UnreadableItem
from unlabeled_graph.readers import molecules
from unlabeled_graph.readers.atoms import (
    ATOM_BLOCKS,
    BOND_BLOCKS,
    EDGE_FEATURES,
    NODE_FEATURES,
    molecule_graph,
)
from unlabeled_graph.readers.molecules import Molecules, largest_fragment


@pytest.fixture
def smiles_file(tmp_path):
    file = tmp_path / "few.smi"
    file.write_text("CCO ethanol\n\nc1ccccc1\tbenzene\nnot-a-molecule\nCc1ccccc1\n")
    return file


def test_a_smiles_file_becomes_a_table_with_scaffolds_and_sizes(smiles_file):
    items = Molecules().index(smiles_file)

    assert items.table["id"].to_pylist() == ["few.smi#1", "few.smi#3", "few.smi#5"]
    assert items.table["group"].to_pylist() == ["acyclic", "c1ccccc1", "c1ccccc1"]
    assert items.table["size"].to_pylist() == [3, 6, 7]


def test_an_unparsable_line_is_quarantined_with_its_number(smiles_file):
    (entry,) = Molecules().index(smiles_file).quarantine

    assert entry.source == f"{smiles_file}, line 4"
    assert entry.found == "not-a-molecule"


def test_folders_gzip_and_csv_are_read_and_label_tables_left_out(tmp_path):
    with gzip.open(tmp_path / "a.smi.gz", "wt") as stream:
        stream.write("CC\n")
    (tmp_path / "b.csv").write_text('name,smiles\n"x,1",CO\ny,\n')
    (tmp_path / "labels.csv").write_text("item,activity\na.smi.gz#1,1\n")

    items = Molecules().index(tmp_path)

    assert items.table["id"].to_pylist() == ["a.smi.gz#1", "b.csv#2"]
    (left_out,) = items.left_out
    assert str(left_out) == "1 that have no column smiles (reader.smiles_column): 1 labels.csv"
    assert items.quarantine[0].found == "nothing"


def test_ids_come_from_the_column_that_is_named(tmp_path):
    (tmp_path / "b.csv").write_text("name,smiles\nx,CO\ny,CC\n")

    items = Molecules(id_column="name").index(tmp_path)

    assert items.table["id"].to_pylist() == ["x", "y"]


@pytest.mark.parametrize(
    ("text", "settings", "message"),
    [
        ("name,smiles\nx,CO\nx,CC\n", {"id_column": "name"}, "'x' twice"),
        ("name,smiles\nx,CO\n", {"id_column": "key"}, "expected a column 'key'"),
        ("name,smiles\nx,??\n", {}, "expected a SMILES string, found \\?\\?"),
        ("name,structure\nx,CO\n", {}, "1 that have no column smiles"),
        ("", {}, "an empty file"),
        ("name,smiles\n", {}, "b.csv: expected a file of molecules, found no rows"),
    ],
)
def test_tables_that_cannot_be_used_say_why(tmp_path, text, settings, message):
    (tmp_path / "b.csv").write_text(text)

    with pytest.raises(DataError, match=message):
        Molecules(**settings).index(tmp_path)


@pytest.mark.parametrize("name", ["a.smi", "a.smi.gz", "a.csv"])
def test_a_file_that_is_no_text_is_quarantined_and_the_others_are_read(smiles_file, name):
    (smiles_file.parent / name).write_bytes(bytes(range(256)))

    items = Molecules().index(smiles_file.parent)

    assert len(items) == 3
    assert any(entry.source.endswith(name) for entry in items.quarantine)


@pytest.mark.parametrize("name", ["missing", "empty"])
def test_a_path_without_tables_says_what_was_expected(tmp_path, name):
    (tmp_path / "empty").mkdir()

    with pytest.raises(DataError, match=r"no such file|no molecule that can be used"):
        Molecules().index(tmp_path / name)


def test_a_graph_has_one_hot_blocks_and_both_directions_of_each_bond():
    graph = molecule_graph("C=CO", "here")

    assert graph.x.shape == (3, NODE_FEATURES)
    assert graph.edge_attr.shape == (4, EDGE_FEATURES)
    assert graph.edge_index.tolist() == [[0, 1, 1, 2], [1, 0, 2, 1]]
    for features, blocks in ((graph.x, ATOM_BLOCKS), (graph.edge_attr, BOND_BLOCKS)):
        for block in features.split(list(blocks.values()), dim=1):
            assert (block.sum(1) == 1).all()


def test_features_say_what_the_atoms_are():
    element, degree, hydrogens, *_ = molecule_graph("C=CO", "here").x.split(
        list(ATOM_BLOCKS.values()), dim=1
    )

    assert element.argmax(1).tolist() == [1, 1, 3]
    assert degree.argmax(1).tolist() == [1, 2, 1]
    assert hydrogens.argmax(1).tolist() == [2, 1, 1]


def test_an_element_outside_the_list_takes_the_last_column():
    assert molecule_graph("[Pt]", "here").x[0, ATOM_BLOCKS["element"] - 1] == 1


def test_a_single_atom_has_no_edges():
    graph = molecule_graph("C", "here")

    assert graph.edge_index.shape == (2, 0)
    assert graph.edge_attr.shape == (0, EDGE_FEATURES)


def test_reading_gives_the_graph_of_the_row_each_time_anew(smiles_file):
    reader = Molecules()
    item = reader.index(smiles_file)[0]
    first = reader.read(item)
    first.x.zero_()

    again = reader.read(item)

    torch.testing.assert_close(again.x, molecule_graph("CCO", "here").x)
    assert again.smiles == "CCO"


def test_a_row_that_cannot_be_read_names_its_source():
    item = Item("a#1", "a.smi", "", 1, {"line": 1, "smiles": "C1CC"})

    with pytest.raises(UnreadableItem, match=r"a.smi, line 1"):
        Molecules().read(item)


def test_the_reader_says_how_wide_its_features_are(smiles_file):
    reader = Molecules()

    assert reader.describe(reader.index(smiles_file)) == {
        "node_features": NODE_FEATURES,
        "edge_features": EDGE_FEATURES,
    }


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", b"\xef\xbb\xbfsmiles,name\r\nCCO,ethanol\r\nCCN,amine\r\n"),
        ("a.csv", "name;SMILES\nethanol;CCO\namine;CCN\n".encode("utf-16")),
        ("a.tsv", b"Name\tSmiles\nethanol\tCCO\namine\tCCN\n"),
        ("a.smi", b"\xef\xbb\xbfsmiles name\nCCO ethanol\nCCN\tamine\n"),
        ("A.SMI", b"\nCCO ethanol\nCCN amine\n"),
    ],
)
def test_molecules_keep_the_name_in_their_line(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    items = Molecules().index(tmp_path)
    assert items.table["name"].to_pylist() == ["ethanol", "amine"]
    assert items.table["smiles"].to_pylist() == ["CCO", "CCN"]
    assert items.table["id"].to_pylist() == [f"{name}#2", f"{name}#3"]
    assert items.quarantine == ()


@pytest.mark.parametrize("ending", [".csv", ".smi"])
def test_a_byte_that_is_no_utf8_costs_no_row(tmp_path, ending):
    line = "{},{}\n" if ending == ".csv" else "{} {}\n"
    rows = [line.format("C" * (i % 30 + 1), f"n{i}").encode() for i in range(4000)]
    rows[2000] = line.format("CCO", "ac\u00e9tone").encode("latin-1")
    rows[3000] = line.format("C1CC", "open").encode()
    head = b"smiles,name\n" if ending == ".csv" else b"smiles name\n"
    (tmp_path / f"late{ending}").write_bytes(head + b"".join(rows))
    items = Molecules().index(tmp_path)
    assert len(items) == 3999
    assert items.table["name"].to_pylist()[2000] == "ac\u00e9tone"
    assert [entry.found for entry in items.quarantine] == ["C1CC"]


def test_rows_that_do_not_parse_are_counted_one_by_one(tmp_path):
    (tmp_path / "a.csv").write_text("smiles,name\nCCO,a\nCCN\nCC,b\nC,d,e,f\n")
    items = Molecules().index(tmp_path)
    assert items.table["name"].to_pylist() == ["a", "b"]
    assert [entry.source.rsplit(", ")[1] for entry in items.quarantine] == ["row 3", "row 5"]


def sdf(*molecules):
    """Records by rdkit; text in between as it is."""
    records = []
    for each in molecules:
        if isinstance(each, str):
            records.append(each)
            continue
        smiles, title = each
        molecule = Chem.AddHs(Chem.MolFromSmiles(smiles))
        AllChem.EmbedMolecule(molecule, randomSeed=1)
        block = Chem.MolToMolBlock(Chem.RemoveHs(molecule))
        records.append(f"{title}{block}>  <value>\n1.5\n\n")
    return "$$$$\n".join([*records, ""])


@pytest.mark.parametrize("ending", [".sdf", ".sdf.gz", ".SDF"])
def test_an_sdf_is_read_record_by_record(tmp_path, ending):
    text = sdf(("CCO", "ethanol"), "broken\n\n\n what\n", ("C[C@H](N)C(=O)O", "L-alanine"))
    content = text.replace("\n", "\r\n").encode()
    file = tmp_path / f"a{ending}"
    file.write_bytes(gzip.compress(content) if ending.endswith("gz") else content)
    items = Molecules().index(tmp_path)
    assert items.table["id"].to_pylist() == [f"a{ending}#1", f"a{ending}#3"]
    assert items.table["name"].to_pylist() == ["ethanol", "L-alanine"]
    assert items.table["smiles"].to_pylist() == ["CCO", "C[C@H](N)C(=O)O"]
    (entry,) = items.quarantine
    assert (entry.source, entry.found) == (f"{file}, line 2", "record 2 (broken)")
    assert len(Molecules().read(items[1]).x) == 6


def test_salts_are_kept_or_lose_their_smaller_parts(tmp_path):
    (tmp_path / "a.smi").write_text("CC(=O)[O-].[Na+] acetate\n[Na+].OCC salty\nCCO plain\n")
    items = Molecules().index(tmp_path)
    assert items.table["size"].to_pylist() == [5, 4, 3]
    assert items.notes[0].startswith("2 molecules are of several fragments (salts, mixtures): all")

    items = Molecules(fragments="largest").index(tmp_path)
    assert items.table["smiles"].to_pylist() == ["CC(=O)[O-]", "CCO", "CCO"]
    assert items.table["size"].to_pylist() == [4, 3, 3]
    assert "the largest is kept (reader.fragments)" in items.notes[0]
    assert items.notes[1].startswith("1 molecule repeats an earlier one")


def test_the_largest_fragment_is_the_same_however_a_mixture_is_written():
    for one, other in (
        ("CO.CN", "NC.OC"),
        ("CCC.c1ccccc1.O", "O.c1ccccc1.CCC"),
        ("CC.CC", "CC.CC"),
    ):
        fragments = [largest_fragment(Chem.MolFromSmiles(each)) for each in (one, other)]
        assert len({Chem.MolToSmiles(each) for each in fragments}) == 1


def test_duplicates_are_counted_and_dropped_where_asked(tmp_path):
    (tmp_path / "a.smi").write_text("CCO a\nOCC b\nC[C@H](N)O c\nC[C@@H](N)O d\nC(C)O e\n")
    kept = Molecules().index(tmp_path)
    assert len(kept) == 5
    assert kept.notes == (
        "2 molecules repeat an earlier one, by their canonical SMILES: all are kept "
        "(reader.duplicates).",
    )
    items = Molecules(duplicates="drop").index(tmp_path)
    assert items.table["name"].to_pylist() == ["a", "c", "d"]
    (left_out,) = items.left_out
    assert str(left_out) == "2 that repeat an earlier molecule (reader.duplicates)"


def test_another_row_does_not_change_a_molecule(tmp_path):
    (tmp_path / "a.smi").write_text("CCO a\nCCN b\n")
    before = Molecules().index(tmp_path).table["signature"].to_pylist()
    (tmp_path / "a.smi").write_text("CCO a\nCCC b\n")
    after = Molecules().index(tmp_path).table["signature"].to_pylist()
    assert after[0] == before[0]
    assert after[1] != before[1]


def test_names_of_files_give_groups_and_fields(tmp_path):
    for name in ("x_1.smi", "y_2.smi"):
        (tmp_path / name).write_text("CCO a\nCCN b\n")
    items = Molecules(pattern="{lab}_{batch}.smi", group="lab").index(tmp_path)
    assert items.table["group"].to_pylist() == ["x", "x", "y", "y"]
    assert items.table["batch"].to_pylist() == ["1", "1", "2", "2"]


def test_a_molecule_that_rdkit_stumbles_over_costs_no_other(tmp_path, monkeypatch):
    def stumble(molecule):
        if molecule.GetNumAtoms() == 2:
            raise ValueError("Can't kekulize mol")
        return "group"

    monkeypatch.setattr(molecules, "_scaffold", stumble)
    (tmp_path / "a.smi").write_text("CCO a\nCC b\nCCN c\n")
    items = Molecules().index(tmp_path)
    assert items.table["name"].to_pylist() == ["a", "c"]
    assert items.quarantine[0].found == "CC (Can't kekulize mol)"


@pytest.mark.parametrize("ending", [".smi", ".sdf"])
@pytest.mark.parametrize("content", ["", "\n\n"])
def test_an_empty_file_is_listed(smiles_file, ending, content):
    (smiles_file.parent / f"empty{ending}").write_text(content)
    items = Molecules().index(smiles_file.parent)
    assert any(
        entry.source.endswith(f"empty{ending}") and entry.found == "no rows"
        for entry in items.quarantine
    )


def test_a_manifest_lists_files_of_molecules(tmp_path):
    for name in "ab":
        (tmp_path / f"{name}.smi").write_text("CCO\n")
    (tmp_path / "m.csv").write_text("path,group,assay\nb.smi,x,7\n")
    (item,) = Molecules(manifest="m.csv").index(tmp_path)
    assert (item.id, item.group, item.metadata["assay"]) == ("b.smi#1", "x", "7")
