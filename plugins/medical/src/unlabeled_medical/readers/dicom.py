"""DICOM: single images, and series of slices that stack into a straight volume.

A series is one folder's files with one SeriesInstanceUID. It becomes a volume if its slices have
one orientation, one grid, distinct and evenly spaced places, and a stack direction along their
normal. Everything else is refused with its reason: correcting a tilted gantry or a missing slice
needs resampling that only the user can decide on.

Source: DICOM PS3.3, C.7.6.2 (image plane) and C.7.6.3 (image pixel). World axes are turned from
DICOM's LPS+ to RAS+.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from unlabeled.errors import UnreadableItem
from unlabeled_medical.readers.header import Header, Stored, reading

SUFFIXES = (".dcm", ".ima", ".dicom")
COMPANIONS = ()

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
NOT_IMAGES = {
    "SEG": "a segmentation",
    "RTSTRUCT": "contours (RTSTRUCT)",
    "RTDOSE": "a dose grid (RTDOSE)",
    "RTPLAN": "a treatment plan (RTPLAN)",
    "SR": "a structured report",
    "PR": "a presentation state",
    "KO": "a key object selection",
    "REG": "a registration",
    "ECG": "an electrocardiogram",
    "DOC": "a document",
}
DIRECTORY = "1.2.840.10008.1.3.10"
TAGS = [
    "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "PatientID", "SeriesDescription",
    "Modality", "ImageType", "Rows", "Columns", "NumberOfFrames", "SamplesPerPixel",
    "PixelSpacing", "ImagerPixelSpacing", "SpacingBetweenSlices", "SliceThickness",
    "ImageOrientationPatient", "ImagePositionPatient", "InstanceNumber",
    "PixelPaddingValue", "PixelRepresentation",
]  # fmt: skip
NOBODY = {
    "anon", "anonymous", "anonymized", "anonymised", "deidentified", "de-identified", "removed",
    "unknown", "none", "null", "na", "n/a", "x", "0",
}  # fmt: skip
"""Placeholder PatientIDs, which would merge all patients."""
PADDED = "padding outside of the field of view, read as the darkest value"
ANGLE = 1.0
"""Degrees between the slices' normal and the direction of their stack that count as straight."""
UNEVEN = 0.05
"""How far a gap may be from the median gap, as a share of it."""


class NotAnImage(UnreadableItem):
    """A valid DICOM file of another kind, which is not counted as unreadable."""


def is_dicom(file: Path) -> bool:
    """Whether a file without a known suffix carries DICOM's marker."""
    try:
        with file.open("rb") as opened:
            return opened.read(132)[128:] == b"DICM"
    except OSError:
        return False


def read_tags(file: Path) -> Any:
    """The data set without its pixels. Raises UnreadableItem if it holds no image we can read."""
    import pydicom
    from pydicom.errors import InvalidDicomError

    try:
        with reading(str(file), "a DICOM file"):
            tags = pydicom.dcmread(file, stop_before_pixels=True, specific_tags=TAGS)
            _require_image(tags, file)
    except InvalidDicomError as error:
        found = str(error).split(". Use")[0]
        raise UnreadableItem(str(file), "a DICOM file", found) from error
    return tags


def _require_image(tags: Any, file: Path) -> None:
    modality = str(tags.get("Modality", ""))
    if modality in NOT_IMAGES:
        raise NotAnImage(str(file), "an image", NOT_IMAGES[modality])
    if tags.file_meta.get("MediaStorageSOPClassUID") == DIRECTORY:
        raise NotAnImage(str(file), "an image", "a directory of others (DICOMDIR)")
    if not tags.get("Rows") or not tags.get("Columns"):
        raise UnreadableItem(str(file), "an image", "a data set without rows and columns")
    frames = int(tags.get("NumberOfFrames") or 1)
    if frames > 1:
        found = f"{frames} frames in one file; convert it, with dcm2niix for example"
        raise UnreadableItem(str(file), "one slice per file", found)
    if "MOSAIC" in (tags.get("ImageType") or []):
        found = "a mosaic of slices; convert it, with dcm2niix for example"
        raise UnreadableItem(str(file), "one slice per file", found)
    _require_decoder(tags, file)


def _require_decoder(tags: Any, file: Path) -> None:
    from pydicom.pixels.decoders.base import get_decoder
    from pydicom.uid import UID

    syntax = tags.file_meta.get("TransferSyntaxUID")
    if syntax is None:
        raise UnreadableItem(str(file), "a transfer syntax", "none")
    if not UID(syntax).is_encapsulated:
        return
    try:
        available = get_decoder(UID(syntax)).is_available
    except NotImplementedError:
        available = False
    if not available:
        expected = "a decoder for its compression (pip install 'unlabeled-medical[dicom]')"
        raise UnreadableItem(str(file), expected, f"{UID(syntax).name}, and none installed")


def group_series(files: Sequence[Path]) -> tuple[list[dict[Path, Any]], list[UnreadableItem]]:
    """Files of one folder by series, with their tags, and unusable ones."""
    series: dict[str, dict[Path, Any]] = defaultdict(dict)
    known: dict[str, Path] = {}
    problems = []
    for file in files:
        try:
            tags = read_tags(file)
        except UnreadableItem as error:
            problems.append(error)
            continue
        first = known.setdefault(str(tags.get("SOPInstanceUID", file)), file)
        if first == file:
            series[str(tags.get("SeriesInstanceUID", file))][file] = tags
        else:
            found = f"a copy of {first.name} (equal SOPInstanceUID)"
            problems.append(UnreadableItem(str(file), "one file per image", found))
    return list(series.values()), problems


def in_order(series: Mapping[Path, Any]) -> tuple[Path, ...]:
    """Files by their place along the normal. Raises UnreadableItem unless they stack."""
    source = str(next(iter(series)).parent)
    with reading(source, "slices whose tags can be understood"):
        return _in_order(series, source)


def _in_order(series: Mapping[Path, Any], source: str) -> tuple[Path, ...]:
    files, slices = list(series), list(series.values())
    if len(files) == 1:
        return tuple(files)
    _require_one_grid(slices, source)
    if len(patients := {_patient(tags) for tags in slices}) > 1:
        raise UnreadableItem(source, "slices of one patient", f"{len(patients)} PatientIDs")
    places = np.array([_vector(tags, "ImagePositionPatient", 3, source) for tags in slices])
    normal = _normal(slices[0], source)
    order = np.argsort(places @ normal, kind="stable")
    _require_straight(places[order], normal, source)
    return tuple(files[index] for index in order)


def header(files: Sequence[Path]) -> Header:
    """files: in the order of `in_order`. Raises UnreadableItem."""
    first, last = read_tags(files[0]), read_tags(files[-1])
    source = str(files[0] if len(files) == 1 else Path(files[0]).parent)
    spacing = first.get("PixelSpacing") or first.get("ImagerPixelSpacing")
    rows, columns = (float(s) for s in spacing) if spacing else (1.0, 1.0)
    affine = np.diag([rows, columns, 1.0, 1.0])
    if first.get("ImageOrientationPatient") and first.get("ImagePositionPatient"):
        affine = _affine(first, last, len(files), (rows, columns), source)
    return Header(
        shape=(int(first.Rows), int(first.Columns), len(files)),
        affine=affine,
        frames=int(first.get("SamplesPerPixel") or 1),
        colour=int(first.get("SamplesPerPixel") or 1) > 1,
        spaced=spacing is not None,
        patient=_patient(first),
        session=str(first.get("StudyInstanceUID") or ""),
        sequence=str(first.get("SeriesDescription") or ""),
        notes=(PADDED,) if first.get("PixelPaddingValue") is not None else (),
    )


def _patient(tags: Any) -> str:
    """The PatientID, unless it is a placeholder."""
    found = str(tags.get("PatientID") or "").strip()
    return "" if found.lower().strip("[]<>()") in NOBODY else found


def load(files: Sequence[Path]) -> Stored:
    """Rows, columns, slices; rescaled as the files say (HU in CT). Raises UnreadableItem."""
    slices = [_pixels(file) for file in files]
    if len({values.shape for values in slices}) > 1:
        source = str(files[0].parent)
        raise UnreadableItem(source, "slices of one size", "pixels of several sizes")
    return Stored(np.stack(slices, axis=2))


def _pixels(file: Path) -> np.ndarray:
    """(rows, columns, samples); integers stay integers where the rescale is the identity."""
    import pydicom

    try:
        tags = pydicom.dcmread(file)
        values = tags.pixel_array
    except Exception as error:  # decoders raise families of their own
        found = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
        raise UnreadableItem(str(file), "complete pixel data", found) from error
    values = _without_padding(values, tags)
    if tags.get("PhotometricInterpretation") == "MONOCHROME1":  # low values are shown bright
        lowest_plus_highest = -1 if tags.PixelRepresentation else 2 ** int(tags.BitsStored) - 1
        values = lowest_plus_highest - values.astype(np.int32)
    slope, intercept = tags.get("RescaleSlope"), tags.get("RescaleIntercept")
    slope = 1.0 if slope is None else float(slope)
    intercept = 0.0 if intercept is None else float(intercept)
    if (slope, intercept) != (1.0, 0.0):
        values = values.astype(np.float32) * np.float32(slope) + np.float32(intercept)
    grid = (int(tags.Rows), int(tags.Columns), -1)
    native: np.ndarray = values.astype(values.dtype.newbyteorder("=")).reshape(grid)
    return native


def _without_padding(values: np.ndarray, tags: Any) -> np.ndarray:
    """Stored values whose padding is the darkest value that is none.

    Padding is what a scanner writes outside of its field of view, far from all values of tissue;
    unchanged it would set the range of the whole slice.
    """
    value, limit = tags.get("PixelPaddingValue"), tags.get("PixelPaddingRangeLimit")
    if value is None:
        return values
    low, high = sorted((int(value), int(value if limit is None else limit)))
    padding = (values >= low) & (values <= high)
    if padding.all() or not padding.any():
        return values
    inverted = tags.get("PhotometricInterpretation") == "MONOCHROME1"
    darkest = values[~padding].max() if inverted else values[~padding].min()
    return np.where(padding, darkest, values)


def _require_one_grid(slices: Sequence[Any], source: str) -> None:
    if len(slices) < 3:
        raise UnreadableItem(source, "at least 3 slices in a series", f"{len(slices)}")
    turns = np.array([_vector(tags, "ImageOrientationPatient", 6, source) for tags in slices])
    if np.abs(turns - turns[0]).max() > 0.01:
        found = f"{len(np.unique(turns.round(2), axis=0))} orientations (scouts, or several planes)"
        raise UnreadableItem(source, "slices of one orientation", found)
    if len({str(tags.get("SamplesPerPixel") or 1) for tags in slices}) > 1:
        raise UnreadableItem(source, "slices of one kind", "some grey and some in colour")
    sizes = {(int(tags.Rows), int(tags.Columns)) for tags in slices}
    spacings = {
        tuple(round(float(step), 3) for step in tags.get("PixelSpacing") or ()) for tags in slices
    }
    different = max(len(sizes), len(spacings))
    if different > 1:
        found = f"{different} different sizes or spacings"
        raise UnreadableItem(source, "slices of one size", found)


def _require_straight(places: np.ndarray, normal: np.ndarray, source: str) -> None:
    """places: (slices, 3) in order along the normal."""
    gaps = np.diff(places @ normal)
    usual = float(np.median(gaps))
    if (gaps < 1e-3).any():
        found = f"{int((gaps < 1e-3).sum())} at the place of another (a time series, or echoes)"
        raise UnreadableItem(source, "one slice per place", found)
    steps = np.diff(places, axis=0)
    cosine = np.clip(steps @ normal / np.linalg.norm(steps, axis=1), -1, 1)
    angle = float(np.degrees(np.arccos(cosine)).max())
    if angle > ANGLE:
        found = f"a gantry tilt of {angle:.1f}°"
        raise UnreadableItem(source, "slices stacked along their normal", found)
    worst = int(np.abs(gaps - usual).argmax())
    if abs(gaps[worst] - usual) > UNEVEN * usual:
        found = (
            f"a gap of {gaps[worst]:.2f} mm after slice {worst + 1} of {len(places)} "
            f"(about {max(round(gaps[worst] / usual) - 1, 0)} missing)"
        )
        raise UnreadableItem(source, f"slices every {usual:.2f} mm", found)


def _affine(
    first: Any, last: Any, count: int, spacing: tuple[float, float], source: str
) -> np.ndarray:
    """(4, 4), (row, column, slice) to RAS+ mm. Rows run along the second direction cosine."""
    turn = _vector(first, "ImageOrientationPatient", 6, source)
    start = _vector(first, "ImagePositionPatient", 3, source)
    end = _vector(last, "ImagePositionPatient", 3, source)
    affine = np.eye(4)
    affine[:3, 0] = turn[3:] * spacing[0]
    affine[:3, 1] = turn[:3] * spacing[1]
    thickness = float(first.get("SpacingBetweenSlices") or first.get("SliceThickness") or 1.0)
    alone = _normal(first, source) * thickness
    affine[:3, 2] = (end - start) / (count - 1) if count > 1 else alone
    affine[:3, 3] = start
    return LPS_TO_RAS @ affine


def _normal(tags: Any, source: str) -> np.ndarray:
    turn = _vector(tags, "ImageOrientationPatient", 6, source)
    normal = np.cross(turn[:3], turn[3:])
    if not np.linalg.norm(normal) > 0.5:
        raise UnreadableItem(source, "two directions of its image plane", f"{turn.tolist()}")
    unit: np.ndarray = normal / np.linalg.norm(normal)
    return unit


def _vector(tags: Any, name: str, length: int, source: str) -> np.ndarray:
    values = tags.get(name)
    if values is None or len(values) != length:
        raise UnreadableItem(source, f"{length} values of {name} in every slice", f"{values}")
    return np.array([float(value) for value in values])
