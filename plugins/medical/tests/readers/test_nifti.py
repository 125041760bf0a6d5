import gzip
import os

import nibabel
import numpy as np
import pytest

from unlabeled.errors import DataError
from unlabeled_medical.readers.volumes import Volumes

VALUES = np.random.default_rng(3).normal(size=(7, 6, 5)).astype(np.float32)


def save(path, unit="mm", affine=None, kind=nibabel.Nifti1Image):
    image = kind(VALUES, np.eye(4) if affine is None else affine)
    image.header.set_xyzt_units(unit)
    nibabel.save(image, path)


def read(folder):
    reader = Volumes(intensity="stored", orientation="stored")
    (item,) = reader.index(folder)
    return reader.read(item)


@pytest.mark.parametrize("name", ["A.NII.GZ", "b.NII.gz", "c.Nii.Gz", "d.nii.GZ", "E.NII", "f.Nii"])
@pytest.mark.parametrize("kind", [nibabel.Nifti1Image, nibabel.Nifti2Image])
def test_endings_in_any_letters(tmp_path, name, kind):
    plain = "x.nii.gz" if name.lower().endswith("gz") else "x.nii"
    save(tmp_path / plain, kind=kind)
    (tmp_path / plain).rename(tmp_path / name)
    np.testing.assert_array_equal(read(tmp_path).values[0], VALUES)


@pytest.mark.parametrize(
    ("header", "voxels"),
    [
        ("a.hdr", "a.img"), ("a.hdr", "a.img.gz"), ("A.HDR", "A.IMG"), ("A.HDR", "A.IMG.GZ"),
        ("a.hdr", "A.img.GZ"), ("a.hdr.gz", "a.img.gz"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", [nibabel.Nifti1Pair, nibabel.Spm99AnalyzeImage])
def test_pairs_of_header_and_voxels(tmp_path, header, voxels, kind):
    image = kind(VALUES, np.diag([1.0, 1, 1, 1]))
    nibabel.save(image, tmp_path / "x.img")
    for name, plain in ((header, "x.hdr"), (voxels, "x.img")):
        content = (tmp_path / plain).read_bytes()
        (tmp_path / plain).unlink()
        packed = name.lower().endswith(".gz")
        (tmp_path / name).write_bytes(gzip.compress(content) if packed else content)
    for rest in tmp_path.glob("*.mat"):
        rest.unlink()
    np.testing.assert_allclose(np.sort(read(tmp_path).values.ravel()), np.sort(VALUES.ravel()))


def test_what_nibabel_corrects_in_a_header_is_noted_and_not_printed(tmp_path, capsys, caplog):
    save(tmp_path / "a.nii")
    content = bytearray((tmp_path / "a.nii").read_bytes())
    content[80:84] = bytes(4)  # pixdim[1]
    (tmp_path / "a.nii").write_bytes(content)
    save(tmp_path / "b.nii")
    corrected = "pixdim[1,2,3] should be non-zero; setting 0 dims to 1"
    told = f"1 file with a header that nibabel corrected ({corrected})"
    assert told in Volumes().index(tmp_path).notes
    assert "pixdim" not in "".join((*capsys.readouterr(), caplog.text))


@pytest.mark.parametrize(("unit", "factor"), [("mm", 1), ("micron", 1e-3), ("meter", 1e3)])
def test_distances_are_mm_whatever_the_file_says(tmp_path, unit, factor):
    affine = np.diag([0.5, 1.0, 2.0, 1.0]) / factor
    affine[:3, 3] = [3 / factor, 0, 0]
    save(tmp_path / "a.nii.gz", unit, affine)
    volume = read(tmp_path)
    np.testing.assert_allclose(volume.spacing, [0.5, 1, 2], rtol=1e-6)
    np.testing.assert_allclose(volume.world([0, 0, 0]), [3, 0, 0], atol=1e-5)
    notes = [note for note in Volumes().index(tmp_path).notes if "distances" in note]
    expected = f"1 file with distances in {unit}, converted to mm"
    assert notes == ([] if unit == "mm" else [expected])


def test_a_unit_that_is_not_given_is_said(tmp_path):
    save(tmp_path / "a.nii.gz", "unknown")
    save(tmp_path / "b.nii.gz", "unknown")
    assert "2 files with distances without a unit, taken as mm" in Volumes().index(tmp_path).notes


def test_two_affines_that_disagree_on_left_and_right_are_said(tmp_path):
    image = nibabel.Nifti1Image(VALUES, np.eye(4))
    image.set_sform(np.diag([-1.0, 1, 1, 1]), 1)
    image.set_qform(np.diag([1.0, 1, 1, 1]), 1)
    nibabel.save(image, tmp_path / "a.nii.gz")
    found = [note for note in Volumes().index(tmp_path).notes if "sform" in note]
    assert found == [
        "1 file with an sform and a qform that disagree on left and right (the sform is used)"
    ]
    image.set_qform(np.diag([-1.0, 1, 1, 1]), 1)
    nibabel.save(image, tmp_path / "a.nii.gz")
    assert not [note for note in Volumes().index(tmp_path).notes if "sform" in note]
    image.set_sform(None, 0)
    image.set_qform(None, 0)
    nibabel.save(image, tmp_path / "a.nii.gz")
    assert [note for note in Volumes().index(tmp_path).notes if "a guess" in note]


def test_a_header_without_its_voxels_is_named(tmp_path):
    nibabel.save(nibabel.Nifti1Pair(VALUES, np.eye(4)), tmp_path / "a.img")
    (tmp_path / "a.img").unlink()
    with pytest.raises(DataError, match=r"a\.hdr"):
        Volumes().index(tmp_path)


def test_new_voxels_behind_an_old_header_are_another_item(tmp_path):
    """The header stays as it is, and so do size and time of the voxels, as after `cp -p`."""
    nibabel.save(nibabel.Nifti1Pair(VALUES, np.eye(4)), tmp_path / "a.img")
    reader = Volumes(intensity="stored", patch=4)
    (before,) = reader.index(tmp_path)
    first = reader.read(before, np.random.default_rng(0))
    content, times = (tmp_path / "a.img").read_bytes(), (tmp_path / "a.img").stat()
    (tmp_path / "a.img").write_bytes(content[::-1])
    os.utime(tmp_path / "a.img", ns=(times.st_atime_ns, times.st_mtime_ns))
    (after,) = reader.index(tmp_path)
    assert after.id == before.id
    assert after.signature != before.signature
    assert not np.array_equal(reader.read(after, np.random.default_rng(0)).values, first.values)
