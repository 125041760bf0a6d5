"""A patient's name in every place where scans carry it, searched for in all that is written."""

import csv
import stat

import nibabel
import numpy as np
import pyarrow.parquet as pq
import pytest
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

import unlabeled
from unlabeled.recipe import load_recipe
from unlabeled.report.page import report
from unlabeled_medical.readers.volumes import Volumes

NAME = "Wolkenstein"
NUMBER = "4711081500"


def write_slice(path, place, number):
    meta = FileMetaDataset()
    meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID = ExplicitVRLittleEndian, MRImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    tags = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    tags.SOPInstanceUID, tags.SOPClassUID = meta.MediaStorageSOPInstanceUID, MRImageStorage
    tags.StudyInstanceUID = f"1.2.{NUMBER}.{number}"
    tags.SeriesInstanceUID, tags.Modality = f"1.3.{NUMBER}.{number}", "MR"
    tags.PatientName, tags.PatientID = f"{NAME}^Anna", f"{NAME}-{NUMBER}-{number}"
    tags.SeriesDescription = f"T1 sag {NAME} {NUMBER}"
    tags.Rows, tags.Columns, tags.PixelSpacing = 12, 12, [1.0, 1.0]
    tags.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    tags.ImagePositionPatient = [0, 0, float(place)]
    tags.SamplesPerPixel, tags.PhotometricInterpretation = 1, "MONOCHROME2"
    tags.BitsAllocated, tags.BitsStored, tags.HighBit, tags.PixelRepresentation = 16, 16, 15, 0
    tags.PixelData = np.random.default_rng(place).integers(0, 900, 144, np.uint16).tobytes()
    tags.save_as(path, enforce_file_format=True)


@pytest.fixture
def scans(tmp_path):
    folder = tmp_path / f"clinic {NAME}"
    for number in range(4):
        patient = folder / f"{NAME}_{number}"
        patient.mkdir(parents=True)
        for place in range(12):
            write_slice(patient / f"{NAME}{place:02d}.dcm", place, number)
        values = np.random.default_rng(number).normal(size=(12, 12, 12)).astype(np.float32)
        image = nibabel.Nifti1Image(values, np.eye(4))
        nibabel.save(image, folder / f"sub-{NAME}{number}_ses-{NUMBER}_{NAME}.nii.gz")
    (folder / f"{NAME}_broken.nii").write_bytes(b"not a volume")
    with (folder / f"{NAME}.csv").open("w") as file:
        csv.writer(file).writerows(
            [["item", "sick"]] + [[f"{NAME}_{n}", "yes" if n > 1 else "no"] for n in range(4)]
        )
    return folder


def test_a_name_stands_nowhere_but_in_private(scans, tmp_path):
    training = {"steps": 2, "batch_size": 4, "max_skipped": 0.5}
    evaluation = {"random_encoders": 1, "folds": 2}
    recipe = load_recipe("medical/vicreg", {"training": training, "evaluation": evaluation})
    out = tmp_path / "out"
    run = unlabeled.pretrain(recipe, scans, out / "run", quiet=True)
    unlabeled.embed(run.path, scans, out / "scans.parquet", max_skipped=0.5)
    unlabeled.evaluate(run.path, scans, scans / f"{NAME}.csv", name="sick", max_skipped=0.5)
    report(run.path)
    written = [file for file in out.rglob("*") if file.is_file()]
    private = [file for file in written if "private" in file.relative_to(out).parts]
    for file in set(written) - set(private):
        assert NAME not in file.name
        content = file.read_bytes()
        if file.suffix == ".parquet":
            content = repr(pq.read_table(file).to_pydict()).encode()
        for secret in (NAME, NUMBER):
            assert secret.encode() not in content, f"{secret} in {file.relative_to(out)}"
    known = b"".join(file.read_bytes() for file in private)
    assert NAME.encode() in known  # the name could have been found
    assert {stat.S_IMODE(file.stat().st_mode) for file in private} == {0o600}
    assert {stat.S_IMODE(f.parent.stat().st_mode) for f in private} == {0o700}


def test_metadata_holds_numbers_and_known_words(scans):
    items = Volumes().index(scans)
    table = items.table.drop_columns(["id", "group", "source"])
    assert NAME not in repr(table.to_pydict())
    assert NUMBER not in repr(table.to_pydict())
    series = [item for item in items if item.metadata["format"] == "dicom"]
    assert {item.metadata["sequence"] for item in series} == {"T1+sag"}
    assert {item.metadata["session"] for item in items} == {"1"}


def test_what_names_nobody_is_written_as_it_is(scans, tmp_path):
    """Spacing, shape and frame had been hashes, too."""
    out = tmp_path / "out"
    recipe = load_recipe("medical/vicreg", {"training": {"steps": 1, "max_skipped": 0.5}})
    run = unlabeled.pretrain(recipe, scans, out / "run", quiet=True)
    unlabeled.embed(run.path, scans, out / "scans.parquet", max_skipped=0.5)
    rows = pq.read_table(out / "scans.parquet").to_pylist()
    known = {item.id: item for item in Volumes().index(scans)}
    with (out / "run/private/items.csv").open() as file:
        names = {row["pseudonym"]: row["id"] for row in csv.DictReader(file)}
    for row in rows:
        item = known[names[row["id"]]]
        shown = {name: item.metadata[name] for name in Volumes.public if name in item.metadata}
        assert {name: row[name] for name in shown} == shown
        assert shown["spacing"]
        assert NAME not in repr(row)
