import json

import pytest
from PIL import Image

from unlabeled.errors import DataError
from unlabeled_medical.readers.layouts import (
    Choosing,
    find,
    kind_of,
    looks_like_label,
    stem,
)

TRAINING = Choosing(sections=("training", "validation"))


def touch(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


@pytest.mark.parametrize(
    ("relative", "label"),
    [
        ("images/hippocampus_001.nii.gz", False),
        ("labelsTr/hippocampus_001.nii.gz", True),
        ("sub-01/anat/sub-01_T1w.nii.gz", False),
        ("derivatives/fmriprep/sub-01_T1w.nii.gz", True),
        ("anna/t1_seg.nii.gz", True),
        ("anna/mask.nii.gz", True),
        ("masked_faces/image.png", False),
        ("a/001_ground_truth.nii.gz", True),
        ("dlmuse/IXI013_DLMUSE.nii.gz", True),
        ("unsegmented/ct.nrrd", False),
    ],
)
def test_label_maps_are_known_by_whole_words(relative, label):
    assert looks_like_label(relative) is label


def test_suffixes_are_cut_whole():
    assert stem("a.b.nii.gz") == "a.b"
    assert stem("A.NII") == "A"


def test_companions_and_strangers(tmp_path):
    assert kind_of(tmp_path / "scan.BRIK.gz") == "companion"
    assert kind_of(tmp_path / "notes.txt") == ""
    (tmp_path / "IM0001").write_bytes(b"\0" * 128 + b"DICM")
    (tmp_path / "LICENCE").write_bytes(b"text")
    assert kind_of(tmp_path / "IM0001") == "dicom"
    assert kind_of(tmp_path / "LICENCE") == ""


def test_label_maps_are_left_out_with_a_line_and_come_in_by_name(tmp_path):
    touch(tmp_path, "a/t1.nii", "a/t1_seg.nii", "a/notes.txt", ".trash/b.nii")
    found = find(tmp_path, TRAINING)
    assert [entry.id for entry in found.entries] == ["a/t1.nii"]
    assert "1 files look like label maps" in found.notes[0]
    assert "include" in found.notes[0]
    named = find(tmp_path, Choosing(include=("*_seg.nii",)))
    assert [entry.id for entry in named.entries] == ["a/t1_seg.nii"]


def test_exclude_wins_over_include(tmp_path):
    touch(tmp_path, "a.nii", "b.nii")
    found = find(tmp_path, Choosing(include=("*.nii",), exclude=("b*",)))
    assert [entry.id for entry in found.entries] == ["a.nii"]


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
    assert [p.found for p in found.problems] == ["no such file"]
    assert "1 images of the section 'test'" in found.notes[0]
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
    assert [(entry.patient, entry.told) for entry in found] == [
        ("7", "given"),
        ("7", "given"),
        ("c", "name"),
    ]


@pytest.mark.parametrize("text", ["{", "[]", '{"a": []}', '{"training": [{"label": "x"}]}'])
def test_what_is_no_datalist_is_refused(tmp_path, text):
    (tmp_path / "dataset.json").write_text(text)
    with pytest.raises(DataError, match=r"dataset\.json"):
        find(tmp_path, TRAINING)


def test_a_path_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(DataError, match="no such file or folder"):
        find(tmp_path / "nowhere", TRAINING)


def test_one_file_is_enough(tmp_path):
    Image.new("L", (4, 3)).save(tmp_path / "x.png")
    (entry,) = find(tmp_path / "x.png", TRAINING).entries
    assert (entry.id, entry.format) == ("x.png", "image")
