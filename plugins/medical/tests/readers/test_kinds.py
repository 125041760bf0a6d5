import pytest

from unlabeled.data.walk import File
from unlabeled_medical.readers.kinds import kind_of, looks_like_dicom, looks_like_label, stem


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
    assert kind_of("scan.BRIK.gz") == "companion"
    assert kind_of("SCAN.MHA") == "metaimage"
    assert kind_of("notes.txt") == ""
    (tmp_path / "IM0001").write_bytes(b"\0" * 128 + b"DICM")
    (tmp_path / "LICENCE").write_bytes(b"text")
    known = {
        name: looks_like_dicom(File(name, str(tmp_path / name))) for name in ("IM0001", "LICENCE")
    }
    assert known == {"IM0001": True, "LICENCE": False}
