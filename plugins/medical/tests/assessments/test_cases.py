"""Masks that cannot be used say which, what is wrong and what is expected."""

import nibabel
import numpy as np
import pytest

from unlabeled.errors import DataError
from unlabeled.evaluation.labelling import given_labels
from unlabeled.evaluation.seen_labels import Seen
from unlabeled.inference.reading import Source
from unlabeled_medical.assessments.cases import Lazy, survey
from unlabeled_medical.readers.volumes import Volumes

SIZE = (5, 6, 7)


@pytest.fixture
def scans(tmp_path):
    for number in range(3):
        values = np.random.default_rng(number).normal(size=SIZE).astype(np.float32)
        save(tmp_path / "images" / f"scan_{number}.nii.gz", values)
        save(tmp_path / "masks" / f"scan_{number}.nii.gz", mask_of(0, 4))
    return tmp_path


def mask_of(*values):
    return np.resize(np.array(values), SIZE).astype(np.float32)


def save(path, array, affine=None):
    path.parent.mkdir(exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(array, np.eye(4) if affine is None else affine), path)


def labelled(folder, masks=None):
    names = masks or [f"masks/scan_{n}.nii.gz" for n in range(3)]
    rows = [f"scan_{n}.nii.gz,{name}" for n, name in enumerate(names)]
    (folder / "masks.csv").write_text("\n".join(["item,mask", *rows]) + "\n")
    reader = Volumes()
    source = Source(reader.index(folder / "images"), reader)
    given = given_labels(folder / "masks.csv", [], source, folder / "images", (), Seen())
    return source, given


def test_classes_are_numbered_and_empty_masks_are_counted(scans):
    save(scans / "masks" / "scan_1.nii.gz", mask_of(0))
    save(scans / "masks" / "scan_2.nii.gz", mask_of(0, 9))
    source, given = labelled(scans)
    cases = survey(source, given)
    assert cases.values.tolist() == [0, 4, 9]
    assert cases.held.tolist() == [[True, True, False], [True, False, False], [True, False, True]]
    assert cases.empty == 1
    lazy = Lazy(source, given, cases.values, cases.places)
    assert np.unique(lazy[2].mask).tolist() == [0, 2]
    assert lazy[2] is lazy[2]


def test_the_background_is_0_even_where_no_mask_holds_it(scans):
    for number in range(3):
        save(scans / "masks" / f"scan_{number}.nii.gz", mask_of(1, 2))
    assert survey(*labelled(scans)).values.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("mask", "expected"),
    [
        (mask_of(0, 0.5), "whole class numbers"),
        (mask_of(0, -2), "expected 0 for the background and positive numbers .*, found -2"),
    ],
)
def test_values_that_are_no_classes_are_refused(scans, mask, expected):
    save(scans / "masks" / "scan_1.nii.gz", mask)
    with pytest.raises(DataError, match=f"(?s)1 of 3 masks.*masks.csv, row 3: .*{expected}"):
        survey(*labelled(scans))


def test_masks_that_lie_elsewhere_or_are_missing_are_named_together(scans):
    far = np.eye(4)
    far[:3, 3] = 500
    save(scans / "masks" / "scan_0.nii.gz", mask_of(0, 4), far)
    names = ["masks/scan_0.nii.gz", "masks/scan_1.nii.gz", "masks/gone.nii.gz"]
    message = (
        r"(?s)2 of 3 masks.*row 2: .*row 4: .*gone.nii.gz: expected a mask, found no such file"
    )
    with pytest.raises(DataError, match=message):
        survey(*labelled(scans, names))


def test_masks_of_background_alone_are_refused(scans):
    for number in range(3):
        save(scans / "masks" / f"scan_{number}.nii.gz", mask_of(0))
    with pytest.raises(DataError, match="all 3 masks are empty"):
        survey(*labelled(scans))


def test_scans_in_place_of_masks_are_refused(scans):
    save(scans / "masks" / "scan_1.nii.gz", np.arange(np.prod(SIZE)).reshape(SIZE) * 2.0)
    save(scans / "masks" / "scan_2.nii.gz", np.arange(np.prod(SIZE)).reshape(SIZE) * 2.0 + 1)
    with pytest.raises(DataError, match="different values, more than 256 classes"):
        survey(*labelled(scans))
