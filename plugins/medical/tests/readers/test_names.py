import json

import nibabel
import numpy as np
import pytest
from PIL import Image

from unlabeled.cli.main import run
from unlabeled.errors import DataError, RecipeError
from unlabeled_medical.readers.kinds import stem
from unlabeled_medical.readers.names import named_by
from unlabeled_medical.readers.volumes import Volumes


def write_images(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.eye(6, dtype=np.uint8)).save(root / name)


def groups(root, **settings):
    return [item.group for item in Volumes(**settings).index(root)]


@pytest.mark.parametrize(
    ("relative", "patient", "session", "sequence", "patient_from"),
    [
        ("sub-07/ses-2/anat/sub-07_ses-2_T1w.nii.gz", "sub-07", "2", "T1w", "given"),
        ("images/hippocampus_001.nii.gz", "hippocampus_001", "", "", "name"),
        ("t1/IXI013-HH-1212_T1.nii.gz", "IXI013-HH-1212", "", "T1", "name"),
        ("BRATS_001/BRATS_001_flair.nii.gz", "BRATS_001", "", "flair", "name"),
        ("prostate_03_0000.nii.gz", "prostate_03", "", "0000", "name"),
        ("anna/t1.nii", "anna", "", "t1", "folder"),
        ("T2/anna.nii.gz", "anna", "", "T2", "name"),
        ("anna_slice_012.png", "anna", "", "", "name"),
        ("case_00004/imaging.nii.gz", "case_00004", "", "", "name"),
        ("train/patient00012/study1/view1_frontal.jpg", "patient00012", "study1", "", "name"),
        ("test/PNEUMONIA/person3_virus_12.jpeg", "person3", "", "", "name"),
        ("anna/0012.png", "anna", "", "", "folder"),
        ("anna/visit2/slices/IM-0001-0012.jpg", "anna", "visit2", "", "folder"),
        ("0012.png", "0012", "", "", "file"),
        ("train/0012.png", "train/0012", "", "", "file"),
        ("images/00000013_002.png", "00000013", "002", "", "layout"),
        ("T1/007.nii.gz", "007", "", "T1", "file"),
        ("T2/007.nii.gz", "007", "", "T2", "file"),
        ("image.nii.gz", "image", "", "", "file"),
        ("site_b/liver_12.nii.gz", "liver_12", "", "", "name"),
        ("anna/brain.nii.gz", "anna", "", "", "folder"),
        ("pathology_12.png", "pathology_12", "", "", "name"),
    ],
)
def test_patient_session_and_sequence_come_from_the_path(
    relative, patient, session, sequence, patient_from
):
    named = named_by(relative, stem(relative.rpartition("/")[2]))
    assert (named.patient, named.session, named.sequence, named.patient_from) == (
        patient,
        session,
        sequence,
        patient_from,
    )


def test_numbered_images_of_a_split_are_patients_of_their_own(tmp_path):
    """Ten of 624 had been one patient, as `0000` to `0009` were taken for channels."""
    names = [f"{part}/{number:04d}.png" for part in ("train", "test") for number in range(12)]
    write_images(tmp_path, *names)
    assert len(set(groups(tmp_path))) == 24
    (note,) = Volumes().index(tmp_path).notes
    assert "24 (24 items) as one each by the numbers of files" in note
    assert "patients and pattern" in note


def test_numbered_slices_of_a_folder_are_one_patient(tmp_path):
    names = [f"{name}/{number:04d}.png" for name in ("anna", "ben") for number in range(12)]
    write_images(tmp_path, *names)
    assert groups(tmp_path) == ["anna"] * 12 + ["ben"] * 12
    (note,) = Volumes().index(tmp_path).notes
    assert "2 (24 items) by folders" in note
    assert "anna" not in note


def test_the_user_knows_better(tmp_path):
    """Folders of classes are no patients."""
    write_images(tmp_path, "sick/1_a.png", "sick/2_a.png", "well/3_a.png", "well/3_b.png")
    assert len(set(groups(tmp_path, patients="files"))) == 4
    assert groups(tmp_path, patients="folders") == ["sick", "sick", "well", "well"]
    assert groups(tmp_path, pattern="{patient}_{view}.png") == ["1", "2", "3", "3"]
    assert groups(tmp_path, pattern="{patient}/{rest}") == ["sick", "sick", "well", "well"]
    assert not Volumes(patients="files").index(tmp_path).notes


def test_a_pattern_names_sessions_and_sequences(tmp_path):
    for name in ("a1/x/weird1.nii", "a1/x/weird2.nii", "b2/y/weird1.nii"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        nibabel.save(
            nibabel.Nifti1Image(np.eye(8)[None] + np.ones((8, 1, 1)), np.eye(4)), tmp_path / name
        )
    reader = Volumes(pattern="{patient}/{session}/{sequence}.nii", sequences=("weird1", "weird2"))
    items = reader.index(tmp_path)
    assert [(item.id, item.group) for item in items] == [("a1/x", "a1"), ("b2/y", "b2")]
    assert reader.read(items[1]).present.tolist() == [True, False]


def test_names_that_do_not_fit_are_left_out_by_name(tmp_path):
    write_images(tmp_path, "a_1.png", "odd.png")
    items = Volumes(pattern="{patient}_{number}.png").index(tmp_path)
    assert [item.group for item in items] == ["a"]
    assert [str(each) for each in items.left_out] == ["1 by the pattern {patient}_{number}.png"]
    with pytest.raises(DataError, match="no folder around it"):
        Volumes(patients="folders").index(tmp_path)


def test_a_pattern_that_is_none_is_refused(tmp_path):
    write_images(tmp_path, "a_1.png")
    with pytest.raises(RecipeError, match="without a name"):
        Volumes(pattern="{1}.png").index(tmp_path)


def test_one_patient_for_all_is_a_warning(tmp_path):
    write_images(tmp_path, *(f"anna/{number:04d}.png" for number in range(4)))
    _, warning = Volumes().index(tmp_path).notes
    assert warning.startswith("warning: all 4 items are taken for one patient")
    assert "patients and pattern" in warning
    write_images(tmp_path, "ben/0001.png")
    assert not any("warning" in note for note in Volumes().index(tmp_path).notes)


def test_names_like_visits_that_are_patients_each_are_a_warning(tmp_path):
    write_images(tmp_path, "P001_a.png", "P001_b.png", "P002_a.png", "P002_b.png")
    _, warning = Volumes().index(tmp_path).notes
    assert "4 items are taken for one patient each, though 4 of their names" in warning
    assert "visits of 2 patients" in warning
    assert "P001" not in warning
    assert not Volumes(pattern="{patient}_{session}.png").index(tmp_path).notes


@pytest.mark.parametrize("name", ["hippocampus_{:03d}", "BraTS20_Training_{:03d}", "case{:02d}"])
def test_numbered_patients_are_no_visits(tmp_path, name):
    write_images(tmp_path, *(f"{name.format(number)}.png" for number in range(12)))
    (note,) = Volumes().index(tmp_path).notes
    assert "12 (12 items)" in note


def test_training_warns_too(tmp_path, capsys, write_nifti):
    for number in range(4):
        write_nifti(tmp_path / f"scans/anna/{number:04d}.nii", shape=(16, 16, 16))
    words = ["pretrain", "medical/simclr", str(tmp_path / "scans"), "--out", str(tmp_path / "run")]
    assert run([*words, "--steps", "1", "--batch-size", "4"]) == 0
    printed = " ".join("".join(capsys.readouterr()).split())
    assert "warning: all 4 items are taken for one patient" in printed


def test_inspection_says_how_patients_were_told(tmp_path, capsys):
    write_images(tmp_path, "images/001_1.png", "images/001_2.png", "images/002_1.png")
    assert run(["inspect", "medical", str(tmp_path), "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert found["groups"] == 2
    assert "2 (3 items) as one each by the numbers of files" in found["notes"][0]
