import json

import pytest

from unlabeled.cli.main import run
from unlabeled.errors import DataError
from unlabeled_medical.readers.entries import Choosing
from unlabeled_medical.readers.layouts import find

TRAINING = Choosing()


def account(found):
    """What is left out, as people are told."""
    return [str(each) for each in found.listing.left_out]


def problems(found):
    return [(q.source.rpartition("/")[2], q.found) for q in found.listing.quarantined]


def touch(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


def test_a_datalist_names_images_never_labels(tmp_path):
    touch(tmp_path, "imagesTr/p1.nii.gz", "labelsTr/p1.nii.gz", "imagesTs/p2.nii.gz")
    content = {
        "name": "toy",
        "training": [{"image": "./imagesTr/p1.nii.gz", "label": "./labelsTr/p1.nii.gz"}],
        "validation": [{"image": ["imagesTr/p3_0000.nii.gz", "imagesTr/p3_0001.nii.gz"]}],
        "test": ["./imagesTs/p2.nii.gz"],
    }
    (tmp_path / "dataset.json").write_text(json.dumps(content))
    found = find(tmp_path, TRAINING)
    assert [(e.id, e.patient, e.split) for e in found.entries] == [
        ("imagesTr/p1.nii.gz", "p1", "training")
    ]
    assert [p.found for p in found.listing.quarantined] == ["no such file"]
    assert "1 of the section 'test' (the reader's sections brings them in)" in account(found)
    assert len(find(tmp_path, Choosing(sections=("test",))).entries) == 1


def test_a_list_of_images_is_one_item_with_channels(tmp_path):
    touch(tmp_path, "p_0000.nii", "p_0001.nii")
    rows = {"training": [{"image": ["p_0000.nii", "p_0001.nii"], "label": "p.nii"}]}
    (tmp_path / "list.json").write_text(json.dumps(rows))
    (entry,) = find(tmp_path / "list.json", TRAINING).entries
    assert [files[0].name for files in entry.channels] == ["p_0000.nii", "p_0001.nii"]


def test_a_datalist_may_say_whose_an_image_is(tmp_path):
    touch(tmp_path, "a.nii", "b.nii", "c.nii")
    rows = [{"image": "a.nii", "patient_id": 7}, {"image": "b.nii", "subject": "7"}, "c.nii"]
    (tmp_path / "list.json").write_text(json.dumps({"training": rows}))
    found = find(tmp_path / "list.json", TRAINING).entries
    assert [(entry.patient, entry.patient_from) for entry in found] == [
        ("7", "given"),
        ("7", "given"),
        ("c", "name"),
    ]


@pytest.mark.parametrize("text", ["{", "[]", '{"a": []}', '{"training": [{"label": "x"}]}'])
def test_what_is_no_datalist_is_refused(tmp_path, text):
    (tmp_path / "dataset.json").write_text(text)
    with pytest.raises(DataError, match=r"dataset\.json"):
        find(tmp_path, TRAINING)


def test_a_file_that_is_not_there_is_named(tmp_path, capsys):
    """It had been a mistake of ours, exit code 70."""
    rows = [{"image": name} for name in ("./imagesTr/x_000", "a.nii.gz", "b.txt", "folder")]
    (tmp_path / "dataset.json").write_text(json.dumps({"training": rows}))
    touch(tmp_path, "b.txt", "folder/c.txt")
    found = find(tmp_path, TRAINING)
    assert problems(found) == [
        ("x_000", "no such file"),
        ("a.nii.gz", "no such file"),
        ("b.txt", "another kind of file"),
        ("folder", "a folder"),
    ]
    assert run(["inspect", "medical", str(tmp_path)]) == 3
    told = "".join(capsys.readouterr()).replace("\n", "")
    assert "imagesTr/x_000" in told
    assert "no such file" in told


def test_what_a_datalist_does_not_name_is_counted(tmp_path):
    touch(tmp_path, "imagesTr/a.nii", "labelsTr/a.nii", "imagesTr/b.nii", "notes.txt")
    rows = [{"image": "imagesTr/a.nii", "label": "labelsTr/a.nii"}]
    (tmp_path / "dataset.json").write_text(json.dumps({"training": rows}))
    found = find(tmp_path, TRAINING)
    assert [entry.id for entry in found.entries] == ["imagesTr/a.nii"]
    assert "1 that the datalist does not name" in account(found)


def test_paths_of_windows_and_a_byte_order_mark(tmp_path):
    touch(tmp_path, "imagesTr/a.nii")
    text = json.dumps({"training": [{"image": ".\\imagesTr\\a.nii"}]})
    (tmp_path / "list.json").write_text(text, encoding="utf-8-sig")
    (entry,) = find(tmp_path / "list.json", TRAINING).entries
    assert entry.id == "imagesTr/a.nii"


def test_a_row_without_an_image_is_named_by_its_number(tmp_path):
    rows = {"training": ["a.nii", {"image": 7}]}
    (tmp_path / "list.json").write_text(json.dumps(rows))
    with pytest.raises(DataError, match=r"list\.json: training, row 2"):
        find(tmp_path / "list.json", TRAINING)
