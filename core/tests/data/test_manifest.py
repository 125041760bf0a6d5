"""Manifests of files: every row is used, or counted with its reason."""

from pathlib import Path

import pytest

from unlabeled.data.listing import FileRules, Listing, list_files
from unlabeled.errors import DataError

ENDINGS = (".dat",)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.dat", "b/c.DAT", "b/d.dat", "e.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    return tmp_path


def listed(folder: Path, text: str, group: str | None = None) -> Listing:
    (folder / "m.csv").write_text(text)
    return list_files(folder, FileRules(manifest="m.csv", group=group), ENDINGS)


def test_the_other_columns_of_a_manifest_become_fields(folder):
    found = listed(folder, "\ufeffpath;group;site\r\nb\\c.DAT;anna;oslo\r\na.dat;;\r\n")
    assert [(file.name, file.group, file.fields) for file in found.files] == [
        ("a.dat", "", {"site": ""}),
        ("b/c.DAT", "anna", {"site": "oslo"}),
    ]
    (by_site,) = listed(folder, "path,group,site\na.dat,anna,oslo\n", group="site").files
    assert (by_site.group, by_site.fields) == ("oslo", {"group": "anna"})


def test_every_other_row_is_accounted_for(folder):
    found = listed(folder, "path,x\na.dat,1\na.dat,2\n,3\ngone.dat,4\ne.txt,6\na.dat,7,8\n")
    assert [file.name for file in found.files] == ["a.dat"]
    assert [(Path(bad.source).name, bad.found) for bad in found.quarantined] == [
        ("m.csv, row 7", "3"),
        ("m.csv, row 3", "a.dat as in row 2"),
        ("m.csv, row 4", "an empty field"),
        ("m.csv, row 5", "no gone.dat"),
    ]
    assert found.notes[0].startswith("m.csv: 1 of 6 rows do not parse")
    items = found.items({"id": ["a"], "source": [""], "size": [1]}, ["another"], of="file")
    assert items.notes == (*found.notes, "another")


def test_a_manifest_that_is_not_there_or_has_no_such_column(folder):
    with pytest.raises(DataError, match="there is no such table"):
        list_files(folder, FileRules(manifest="none.csv"), ENDINGS)
    with pytest.raises(DataError, match="expected a column 'path', found file"):
        listed(folder, "file\na.dat\n")
    with pytest.raises(DataError, match="expected a column 'site'"):
        listed(folder, "path\na.dat\n", group="site")
