import csv

import numpy as np
import pydicom
import pytest
import torch
from pydicom.data import get_testdata_file
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from unlabeled.errors import DataError, UnreadableItem
from unlabeled_medical.readers.dicom import load
from unlabeled_medical.readers.volumes import Volumes

AXIAL = (1, 0, 0, 0, 1, 0)


def write_slice(path, *, place, turn=AXIAL, series="1.2.3", value=0, patient="p1", **tags):
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    meta.MediaStorageSOPInstanceUID = generate_uid()
    data = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    data.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    data.SeriesInstanceUID, data.PatientID, data.Modality = series, patient, "CT"
    data.Rows, data.Columns = 3, 4
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.BitsAllocated = data.BitsStored = 16
    data.HighBit, data.PixelRepresentation = 15, 1
    data.PixelSpacing = [2.0, 1.5]
    data.ImageOrientationPatient, data.ImagePositionPatient = list(turn), list(place)
    data.RescaleSlope, data.RescaleIntercept = 2, -1000
    for name, content in tags.items():
        setattr(data, name, content)
    pixels = np.arange(12, dtype=np.int16).reshape(3, 4) + value
    data.PixelData = pixels.tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    data.save_as(path, enforce_file_format=True)


def write_series(folder, heights, **tags):
    """Slices in an order of names that is not the order of places."""
    for number, z in enumerate(heights):
        write_slice(folder / f"{number}.dcm", place=(10, 20, z), value=100 * number, **tags)


def reason(path):
    with pytest.raises(DataError) as error:
        Volumes().index(path)
    return str(error.value)


def test_slices_are_ordered_by_place_and_turned_to_ras(tmp_path):
    write_series(tmp_path / "s", [15.0, 5.0, 10.0])
    items = Volumes(intensity="stored").index(tmp_path)
    assert len(items) == 1
    item = items[0]
    assert (item.id, item.group, item.metadata["shape"]) == ("s", "p1", [4, 3, 3])
    np.testing.assert_allclose(item.metadata["spacing"], [1.5, 2.0, 5.0])
    volume = Volumes(intensity="stored").read(item)
    # File 1 is lowest; its first row and column lie at x = -10, y = -20, the largest of both.
    assert volume.values[0, -1, -1, 0] == 2 * 100 - 1000
    np.testing.assert_allclose(volume.world([3, 2, 0]), [-10, -20, 5])
    np.testing.assert_allclose(volume.world([0, 0, 2]), [-10 - 3 * 1.5, -20 - 2 * 2.0, 15])


def test_hounsfield_units_are_clipped_and_divided(tmp_path):
    write_series(tmp_path / "s", [0.0, 1.0, 2.0], RescaleSlope=100)
    volume = Volumes(intensity="hounsfield").read(Volumes().index(tmp_path)[0])
    assert volume.values.min() == -1.0
    assert volume.values.max() == 1.0


def test_two_series_in_a_folder_are_two_items(tmp_path):
    write_series(tmp_path / "a", [0.0, 1.0, 2.0])
    for z in range(3):
        write_slice(tmp_path / "a" / f"b{z}.dcm", place=(0, 0, 2 * z), series="9.9", patient="p2")
    items = Volumes().index(tmp_path)
    assert sorted(item.group for item in items) == ["p1", "p2"]


@pytest.mark.parametrize("nobody", ["", "ANONYMOUS", "[removed]"])
def test_studies_stand_for_patients_whom_no_tag_names(tmp_path, nobody):
    for number, study in enumerate(("1.5", "1.5", "1.6")):
        write_series(
            tmp_path / str(number),
            [0.0, 1.0, 2.0],
            series=f"1.{number}",
            patient=nobody,
            StudyInstanceUID=study,
        )
    items = Volumes().index(tmp_path)
    assert [item.group for item in items] == ["study 1.5", "study 1.5", "study 1.6"]
    assert "2 (3 items) by the study" in items.notes[0]


def test_series_without_patient_and_study_are_told_by_their_folder(tmp_path):
    write_series(tmp_path / "a", [0.0, 1.0, 2.0], patient="", series="1.1")
    write_series(tmp_path / "b", [0.0, 1.0, 2.0], patient="", series="1.2")
    assert len({item.group for item in Volumes().index(tmp_path)}) == 2


def test_what_the_user_says_of_patients_counts_more_than_tags(tmp_path):
    write_series(tmp_path / "ann" / "one", [0.0, 1.0, 2.0], series="1.1")
    write_series(tmp_path / "ann" / "two", [0.0, 1.0, 2.0], series="1.2")
    write_series(tmp_path / "ben" / "one", [0.0, 1.0, 2.0], series="1.3")
    assert {item.group for item in Volumes().index(tmp_path)} == {"p1"}
    by_folder = Volumes(patients="folders").index(tmp_path)
    assert [item.group for item in by_folder] == ["ann", "ann", "ben"]
    by_pattern = Volumes(pattern="{patient}/{series}/{slice}.dcm").index(tmp_path)
    assert [item.group for item in by_pattern] == ["ann", "ann", "ben"]


def test_a_missing_slice_is_named(tmp_path):
    write_series(tmp_path, [0.0, 5.0, 10.0, 20.0])
    assert "a gap of 10.00 mm after slice 3 of 4 (about 1 missing)" in reason(tmp_path)


def test_a_tilted_gantry_is_named(tmp_path):
    for number in range(3):
        write_slice(tmp_path / f"{number}.dcm", place=(0, number * 1.0, number * 5.0))
    assert "a gantry tilt of 11.3°" in reason(tmp_path)


def test_mixed_orientations_are_named(tmp_path):
    write_series(tmp_path, [0.0, 1.0, 2.0])
    write_slice(tmp_path / "scout.dcm", place=(0, 0, 0), turn=(0, 1, 0, 0, 0, -1))
    assert "2 orientations" in reason(tmp_path)


def test_several_slices_at_one_place_are_named(tmp_path):
    write_series(tmp_path, [0.0, 1.0, 2.0, 1.0])
    assert "1 at the place of another" in reason(tmp_path)


def test_too_few_slices_are_named(tmp_path):
    write_series(tmp_path, [0.0, 1.0])
    assert "expected at least 3 slices in a series, found 2" in reason(tmp_path)


def test_slices_of_different_size_are_named(tmp_path):
    write_series(tmp_path, [0.0, 1.0, 2.0])
    write_slice(tmp_path / "x.dcm", place=(0, 0, 3.0), PixelSpacing=[1.0, 1.0])
    assert "2 different sizes or spacings" in reason(tmp_path)


def test_spacings_that_differ_by_rounding_are_one(tmp_path):
    write_series(tmp_path, [0.0, 1.0, 2.0])
    write_slice(tmp_path / "x.dcm", place=(10, 20, 3.0), PixelSpacing=[2.000001, 1.5])
    assert Volumes().index(tmp_path)[0].metadata["shape"] == [4, 3, 4]


def test_grey_and_colour_in_one_series_are_named(tmp_path):
    write_series(tmp_path, [0.0, 1.0, 2.0])
    write_slice(tmp_path / "x.dcm", place=(10, 20, 3.0), SamplesPerPixel=3)
    assert "some grey and some in colour" in reason(tmp_path)


def test_two_patients_in_one_series_are_named(tmp_path):
    write_series(tmp_path, [0.0, 1.0, 2.0])
    write_slice(tmp_path / "x.dcm", place=(10, 20, 3.0), patient="p2")
    assert "2 PatientIDs" in reason(tmp_path)


@pytest.mark.parametrize(
    "tags",
    [
        {"ImageOrientationPatient": [0, 0, 0, 0, 0, 0]},
        {"ImagePositionPatient": [0, 0]},
        {"PixelSpacing": [0, 0]},
        {"PixelSpacing": [1.0]},
    ],
)
def test_tags_that_make_no_sense_are_items_that_cannot_be_used(tmp_path, tags):
    write_series(tmp_path, [0.0, 1.0, 2.0], **tags)
    assert "that cannot be used" in reason(tmp_path)


def test_pixels_of_several_sizes_are_found_when_read(tmp_path):
    """The tags of one slice were changed after the index."""
    write_series(tmp_path, [0.0, 1.0, 2.0])
    (item,) = Volumes().index(tmp_path)
    write_slice(tmp_path / "1.dcm", place=(10, 20, 1.0), Rows=4, Columns=3)
    with pytest.raises(UnreadableItem, match="pixels of several sizes"):
        Volumes(cache_gb=0).read(item)


def test_other_kinds_of_dicom_are_counted_and_do_not_count_as_broken(tmp_path):
    write_series(tmp_path / "ct", [0.0, 1.0, 2.0])
    write_slice(tmp_path / "ct/plan.dcm", place=(0, 0, 0), Modality="RTPLAN", series="8")
    write_slice(tmp_path / "ct/rt.dcm", place=(0, 0, 0), Modality="RTSTRUCT", series="9")
    write_slice(tmp_path / "ct/report.dcm", place=(0, 0, 0), Modality="SR", series="7")
    items = Volumes().index(tmp_path)
    assert (len(items), items.quarantine) == (1, ())
    (told,) = map(str, items.left_out)
    assert told.startswith("3 of DICOM that are not images: ")
    assert "1 contours (RTSTRUCT)" in told


def test_series_volumes_and_images_lie_side_by_side(tmp_path, write_nifti):
    write_series(tmp_path / "p1", [0.0, 1.0, 2.0])
    write_nifti(tmp_path / "p1/t1.nii.gz")
    (tmp_path / "p1/README").write_text("none of them")
    items = Volumes().index(tmp_path)
    assert [(item.id, item.metadata["format"]) for item in items] == [
        ("p1", "dicom"),
        ("p1/t1.nii.gz", "nifti"),
    ]


def test_a_copied_file_is_quarantined_by_name(tmp_path):
    write_series(tmp_path, [0.0, 1.0, 2.0])
    (tmp_path / "copy of 0.dcm").write_bytes((tmp_path / "0.dcm").read_bytes())
    items = Volumes().index(tmp_path)
    assert len(items) == 1
    assert "a copy of 0.dcm" in items.quarantine[0].found


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({"Modality": "RTSTRUCT"}, "contours"),
        ({"ImageType": ["DERIVED", "PRIMARY", "M", "MOSAIC"]}, "mosaic"),
        ({"NumberOfFrames": 5}, "5 frames in one file"),
    ],
)
def test_what_is_not_a_slice_is_named(tmp_path, tags, words):
    write_slice(tmp_path / "x.dcm", place=(0, 0, 0), **tags)
    assert words in reason(tmp_path)


def test_one_image_is_flat_and_low_values_of_monochrome1_become_high(tmp_path):
    write_slice(tmp_path / "x.dcm", place=(0, 0, 0), PhotometricInterpretation="MONOCHROME1")
    write_slice(tmp_path / "y.dcm", place=(0, 0, 0), series="2")
    inverted, plain = (Volumes(intensity="stored").read(i) for i in Volumes().index(tmp_path))
    assert inverted.values.shape == (1, 4, 3)
    np.testing.assert_allclose(inverted.values + plain.values, 2 * -1 - 2 * 1000)


def test_cut_pixels_are_found_when_read():
    file = get_testdata_file("MR_truncated.dcm")
    (item,) = Volumes().index(file)
    with pytest.raises(UnreadableItem, match=r"MR_truncated\.dcm: expected complete pixel data"):
        Volumes().read(item)


def entries(medical_data):
    with (medical_data / "dicom_awkward/manifest.csv").open() as file:
        return list(csv.DictReader(file))


def test_every_single_file_ends_as_the_manifest_says_or_with_its_reason(medical_data):
    """Files that pydicom reads and whose pixels it decodes are images; all others are refused."""
    for row in entries(medical_data):
        file = medical_data / "dicom_awkward" / row["file"]
        if not row["file"].startswith("single/") or file.suffix == ".gz":
            continue
        decoded = row["pixels_without_extra_decoders"]
        an_image = row["modality"] not in ("SEG", "RTDOSE") and row["reads"] == "yes"
        if an_image and decoded.startswith("("):
            volume = Volumes().read(Volumes().index(file)[0])
            assert torch.isfinite(volume.values).all()
            assert sorted(volume.size) == sorted([int(row["rows"]), int(row["cols"])])
        elif decoded != "RuntimeError":  # those depend on which decoders are installed
            with pytest.raises(DataError) as error:
                Volumes().read(Volumes().index(file)[0])
            assert row["file"].removeprefix("single/") in str(error.value)


def test_extra_decoders_read_what_plain_pydicom_does_not(medical_data):
    pytest.importorskip("jpeg_ls")
    folder = medical_data / "dicom_awkward/series"
    reader = Volumes(intensity="stored")
    lossless = [
        reader.read(reader.index(folder / name)[0])
        for name in ("ok_jpegls", "ok_jpeg2000", "ok_rle")
    ]
    for volume in lossless[1:]:
        assert (volume.values == lossless[0].values).all()


def test_series_end_as_their_names_say(medical_data):
    items = Volumes().index(medical_data / "dicom_awkward/series")
    assert all(item.id.startswith("ok_") for item in items)
    assert len(items) == 8
    found = {q.source.rpartition("/")[2]: q.found for q in items.quarantine}
    assert "gantry tilt of 14.0°" in found["gantry_tilt"]
    assert "2 orientations" in found["mixed_orientation"]
    assert "about 1 missing" in found["uneven_slice_increment"]
    assert found["too_few_slices"] == "2"
    assert len(found) == 4


def test_a_series_lies_where_another_library_puts_it(medical_data):
    """The corner and the far corner, from the tags themselves, in LPS turned to RAS."""
    folder = medical_data / "dicom_awkward/series/ok_hitachi_anat"
    volume = Volumes().read(Volumes().index(folder)[0])
    first, last = (pydicom.dcmread(folder / name) for name in ("001.dcm", "004.dcm"))
    indices = np.array(list(np.ndindex(2, 2, 2))) * (np.array(volume.size) - 1)
    corners = volume.world(indices)
    for tags in (first, last):
        place = np.array(tags.ImagePositionPatient, float) * [-1, -1, 1]
        assert np.linalg.norm(corners - place, axis=1).min() < 1e-3


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"PixelPaddingValue": 11}, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0]),
        ({"PixelPaddingValue": 0}, [1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]),
        (
            {"PixelPaddingValue": 11, "PixelPaddingRangeLimit": 9},
            [0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0],
        ),
        ({"PixelPaddingValue": -2000}, list(range(12))),
        ({"PixelPaddingValue": -5, "PixelPaddingRangeLimit": 99}, list(range(12))),
    ],
)
def test_padding_is_the_darkest_value_whatever_its_sign(tmp_path, tags, expected):
    file = tmp_path / "a.dcm"
    write_slice(file, place=(0, 0, 0), RescaleSlope=1, RescaleIntercept=0, **tags)
    assert load([file]).values.ravel().tolist() == expected
    assert any("1 file with padding outside" in note for note in Volumes().index(file).notes)


def test_inverted_padding_is_dark_too(tmp_path):
    file = tmp_path / "a.dcm"
    inverted = {"PhotometricInterpretation": "MONOCHROME1", "PixelPaddingValue": 0}
    write_slice(file, place=(0, 0, 0), RescaleSlope=1, RescaleIntercept=0, **inverted)
    values = load([file]).values.ravel()
    assert values[0] == values.min() == values[-1]
