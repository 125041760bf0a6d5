"""The folders of nnU-Net, formats 1 and 2, and the Decathlon, with or without dataset.json."""

import json

import nibabel
import numpy as np
import pytest

from unlabeled.cli.main import run
from unlabeled_medical.readers.entries import Choosing
from unlabeled_medical.readers.layouts import find
from unlabeled_medical.readers.volumes import Volumes

BOTH = Choosing(sections=("training", "test"))


def write(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        values = np.random.default_rng(len(name)).normal(size=(8, 7, 6)).astype(np.float32)
        nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), root / name)


def dataset(root, channels=1, ending=".nii.gz"):
    """Two cases to train on, one to test, and label maps."""
    for number in range(channels):
        write(root, *(f"imagesTr/X_{case:03d}_{number:04d}{ending}" for case in (1, 2)))
        write(root, f"imagesTs/X_009_{number:04d}{ending}")
    write(root, *(f"labelsTr/X_{case:03d}{ending}" for case in (1, 2)))


def say(root, **content):
    (root / "dataset.json").write_text(json.dumps(content))


FORMAT_1 = {
    "modality": {"0": "CT"},
    "labels": {"0": "background"},
    "training": [
        {"image": f"./imagesTr/X_{case:03d}.nii.gz", "label": f"./labelsTr/X_{case:03d}.nii.gz"}
        for case in (1, 2)
    ],
    "test": ["./imagesTs/X_009.nii.gz"],
}
FORMAT_2 = {"channel_names": {"0": "CT"}, "labels": {"background": 0}, "file_ending": ".nii.gz"}


@pytest.mark.parametrize("content", [FORMAT_1, FORMAT_2, None], ids=["1", "2", "no file"])
@pytest.mark.parametrize("nested", [False, True])
def test_cases_are_read_and_tests_are_left_out_with_a_line(tmp_path, content, nested):
    root = tmp_path / "Dataset900_X" if nested else tmp_path
    dataset(root)
    if content:
        say(root, **content)
    found = find(tmp_path, Choosing())
    assert [(e.patient, e.split, len(e.channels)) for e in found.entries] == [
        ("X_001", "training", 1),
        ("X_002", "training", 1),
    ]
    assert [e.channels[0][0].name for e in found.entries] == [
        "X_001_0000.nii.gz",
        "X_002_0000.nii.gz",
    ]
    assert {e.sequence for e in found.entries} == {"CT" if content else ""}
    told = [str(each) for each in found.listing.left_out]
    assert "1 of the section 'test' (the reader's sections brings them in)" in told
    assert [e.patient for e in find(tmp_path, BOTH).entries] == ["X_001", "X_002", "X_009"]


@pytest.mark.parametrize("content", ["1", "2", ""])
def test_files_of_a_case_are_its_channels(tmp_path, content):
    dataset(tmp_path, channels=3)
    names = {"0": "T1w", "1": "FLAIR", "2": "ADC"}
    if content:
        say(
            tmp_path,
            **({**FORMAT_1, "modality": names} if content == "1" else {"channel_names": names}),
        )
    reader = Volumes(intensity="stored")
    items = reader.index(tmp_path)
    assert [(i.group, i.metadata["channels"]) for i in items] == [("X_001", 3), ("X_002", 3)]
    expected = "T1w+FLAIR+ADC" if content else None
    assert {i.metadata.get("sequence") for i in items} == {expected}
    volume = reader.read(items[0])
    for number in range(3):
        stored = nibabel.load(tmp_path / f"imagesTr/X_001_{number:04d}.nii.gz").get_fdata()
        np.testing.assert_array_equal(volume.values[number], stored.astype(np.float32))


def test_a_case_without_a_channel_is_named(tmp_path):
    dataset(tmp_path, channels=2)
    say(tmp_path, channel_names={"0": "T1", "1": "T2"})
    (tmp_path / "imagesTr/X_002_0001.nii.gz").unlink()
    items = Volumes().index(tmp_path)
    assert [item.group for item in items] == ["X_001"]
    (bad,) = items.quarantine
    assert (bad.expected, bad.found) == ("the channels 0000, 0001, as other cases have", "0000")


def test_several_sets_in_one_folder(tmp_path):
    dataset(tmp_path / "raw/Dataset001_A")
    say(tmp_path / "raw/Dataset001_A", **FORMAT_2)
    dataset(tmp_path / "raw/Task002_B")
    say(tmp_path / "raw/Task002_B", **FORMAT_1)
    write(tmp_path, "raw/other/anna_T1.nii.gz")
    entries = find(tmp_path / "raw", Choosing()).entries
    assert [entry.id for entry in entries] == [
        "Dataset001_A/imagesTr/X_001_0000.nii.gz",
        "Dataset001_A/imagesTr/X_002_0000.nii.gz",
        "Task002_B/imagesTr/X_001.nii.gz",
        "Task002_B/imagesTr/X_002.nii.gz",
        "other/anna_T1.nii.gz",
    ]


def test_the_decathlons_folders_without_its_list(tmp_path):
    write(tmp_path, "imagesTr/liver_1.nii.gz", "imagesTs/liver_2.nii.gz", "labelsTr/liver_1.nii.gz")
    found = find(tmp_path, Choosing())
    assert [(e.id, e.split) for e in found.entries] == [("imagesTr/liver_1.nii.gz", "training")]


def test_numbers_of_patients_are_no_channels(tmp_path):
    write(tmp_path, *(f"imagesTr/amos_{number:04d}.nii.gz" for number in (0, 1, 2, 3)))
    found = find(tmp_path, Choosing())
    assert [len(e.channels) for e in found.entries] == [1, 1, 1, 1]
    assert len({e.patient for e in found.entries}) == 4


def test_files_listed_by_the_case(tmp_path):
    write(tmp_path, "far/a_T1.nii.gz", "far/a_T2.nii.gz")
    cases = {"a": {"images": ["far/a_T1.nii.gz", "far/a_T2.nii.gz"], "label": "far/a_seg.nii.gz"}}
    say(tmp_path, channel_names={"0": "T1", "1": "T2"}, dataset=cases)
    (entry,) = find(tmp_path, Choosing()).entries
    assert [files[0].name for files in entry.channels] == ["a_T1.nii.gz", "a_T2.nii.gz"]


def test_inspection_reads_them(tmp_path, capsys):
    dataset(tmp_path)
    say(tmp_path, **FORMAT_2)
    assert run(["inspect", "medical", str(tmp_path), "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert found["items"] == 2
    assert found["groups"] == 2
    assert found["metadata"]["split"] == {"training": 2}
