"""NIfTI, and the other volume formats that nibabel reads: Analyze, MGH, AFNI, MINC, PAR/REC."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from unlabeled.errors import UnreadableItem
from unlabeled_medical.readers.header import Header, Stored, in_mm

SUFFIXES = (".nii", ".nii.gz", ".hdr", ".hdr.gz", ".mgh", ".mgz", ".head", ".mnc", ".par")
COMPANIONS = (".img", ".img.gz", ".brik", ".brik.gz", ".rec")
"""Files with the voxels of one of the former."""
PAIRS = {
    ".hdr": (".img", ".img.gz"),
    ".hdr.gz": (".img.gz", ".img"),
    ".head": (".BRIK", ".BRIK.gz"),
    ".par": (".REC", ".rec"),
}


def header(files: Sequence[Path]) -> Header:
    """Raises UnreadableItem."""
    import nibabel

    image, corrected = _open(files[0])
    shape = _grid(image, files[0])
    affine, notes = np.asarray(image.affine, dtype=np.float64), tuple[str, ...]()
    if isinstance(image.header, nibabel.Nifti1Header):  # as are those of NIfTI-2
        affine, notes = in_mm(affine, _unit(image.header))
        notes += _doubts(image.header)
    notes += tuple(f"a header that nibabel corrected ({how})" for how in corrected)
    return Header(shape[:3], affine, shape[3], spaced=_has_spacing(image), notes=notes)


def load(files: Sequence[Path]) -> Stored:
    """The voxels; memory-mapped where the file is neither compressed nor of a rare format.

    Raises UnreadableItem.
    """
    from nibabel.arrayproxy import ArrayProxy

    image, _ = _open(files[0])
    shape = _grid(image, files[0])
    try:
        if isinstance(image.dataobj, ArrayProxy):
            unscaled = image.dataobj.get_unscaled()  # type: ignore[no-untyped-call]
            stored = np.asanyarray(unscaled).reshape(shape)
            return Stored(stored, float(image.dataobj.slope), float(image.dataobj.inter))
        return Stored(np.asarray(image.dataobj, dtype=np.float32).reshape(shape))
    except Exception as error:  # zlib.error and the formats' own families
        raise UnreadableItem(str(files[0]), "complete voxel data", _words(error)) from error


@contextmanager
def _logged() -> Iterator[list[str]]:
    """What nibabel logs meanwhile, "pixdim[1,2,3] should be non-zero; …", which is not printed.

    Its own LoggingOutputSuppressor leaves no handler, and then Python prints.
    """
    from nibabel.imageglobals import logger

    found: list[str] = []
    collect = logging.Handler(logging.WARNING)
    collect.emit = lambda record: found.append(record.getMessage())  # type: ignore[method-assign]
    handlers, propagate = logger.handlers, logger.propagate
    logger.handlers, logger.propagate = [collect], False
    try:
        yield found
    finally:
        logger.handlers, logger.propagate = handlers, propagate


def _open(file: Path) -> tuple[Any, list[str]]:
    """The image, and what nibabel corrected in its header."""
    try:
        with _logged() as corrected:  # also by an error, which contains it
            return _open_any(file), corrected
    except ModuleNotFoundError as error:
        expected = f"the package {error.name}, which this format needs (pip install {error.name})"
        raise UnreadableItem(str(file), expected, "it is not installed") from error
    except Exception as error:  # nibabel's formats raise families of their own
        expected = "a volume that nibabel reads"
        raise UnreadableItem(str(file), expected, _words(error)) from error


def _open_any(file: Path) -> Any:
    import nibabel

    return _as_pair(file) or _of_mixed_case(file) or nibabel.load(file)


def _as_pair(file: Path) -> Any:
    """The image whose voxels are compressed or called in other letters than nibabel looks for."""
    from nibabel.fileholders import FileHolder
    from nibabel.imageclasses import all_image_classes

    if file.suffix.lower() != ".hdr":
        return None
    beside = voxels_beside(file)
    if not beside or file.with_suffix(".img") in beside:
        return None
    holders = {
        "header": FileHolder(str(file)),
        "image": FileHolder(str(beside[0])),
        "mat": FileHolder(str(file.with_suffix(".mat"))),  # SPM's affine, which need not be there
    }
    sniffed = None
    for kind in all_image_classes:
        maybe, sniffed = kind.path_maybe_image(str(file), sniffed)
        if maybe:
            return kind.from_file_map(holders)
    return None


def voxels_beside(file: Path) -> list[Path]:
    """The file of voxels that belongs to a header, in any letters; none for other files."""
    for header, voxels in PAIRS.items():
        if file.name.lower().endswith(header):
            stem = file.name[: -len(header)]
            usual = [file.with_name(stem + ending) for ending in voxels]
            known = [path for path in usual if path.exists()]
            wanted = {path.name.lower() for path in usual}
            return known or [path for path in file.parent.iterdir() if path.name.lower() in wanted]
    return []


def _of_mixed_case(file: Path) -> Any:
    """nibabel knows `.nii.gz` and `.NII.GZ`, and no other letters."""
    import nibabel
    from nibabel.fileholders import FileHolder
    from nibabel.openers import ImageOpener

    suffixes = "".join(file.suffixes[-2:])
    if not suffixes.lower().endswith((".nii", ".nii.gz")) or suffixes in (".nii.gz", ".NII.GZ"):
        return None
    with ImageOpener(str(file)) as opened:
        length = opened.read(4)
    second = length in ((540).to_bytes(4, "little"), (540).to_bytes(4, "big"))
    kind = nibabel.Nifti2Image if second else nibabel.Nifti1Image
    return kind.from_file_map({"image": FileHolder(str(file))})  # type: ignore[no-untyped-call]


def _unit(header: Any) -> str:
    """Of distances; "" if the header does not say."""
    try:
        unit = str(header.get_xyzt_units()[0])
    except KeyError:  # a number that stands for no unit
        unit = "unknown"
    return "" if unit == "unknown" else unit


def _doubts(header: Any) -> tuple[str, ...]:
    """Notes on missing or contradictory affines (sform and qform)."""
    from nibabel.orientations import aff2axcodes

    try:
        sform, qform = (header.get_sform(coded=True)[0], header.get_qform(coded=True)[0])
    except (ValueError, ArithmeticError, np.linalg.LinAlgError):  # a qform that is no rotation
        return ()
    if sform is None and qform is None:
        return ("neither sform nor qform (left and right are a guess)",)
    if sform is None or qform is None or not np.isfinite(sform).all():
        return ()
    codes = [set(aff2axcodes(affine)) for affine in (sform, qform)]  # type: ignore[no-untyped-call]
    if codes[0] & {"L", "R"} != codes[1] & {"L", "R"} or _mirrored(sform) != _mirrored(qform):
        return ("an sform and a qform that disagree on left and right (the sform is used)",)
    return ()


def _mirrored(affine: np.ndarray) -> bool:
    return bool(np.linalg.det(affine[:3, :3]) < 0)


def _grid(image: Any, file: Path) -> tuple[int, int, int, int]:
    """Three axes and frames; further axes of length 1 mean nothing."""
    shape = [int(length) for length in image.shape]
    while len(shape) > 3 and shape[-1] == 1:
        shape.pop()
    if not 2 <= len(shape) <= 4:
        found = f"{len(shape)} axes: {tuple(image.shape)}"
        raise UnreadableItem(str(file), "3 axes, or 4 with frames", found)
    if not np.issubdtype(image.get_data_dtype(), np.number) or np.issubdtype(
        image.get_data_dtype(), np.complexfloating
    ):
        raise UnreadableItem(str(file), "real numbers", f"values of type {image.get_data_dtype()}")
    _require_whole(image, file)
    x, y, z, frames = (*shape, 1, 1)[:4] if len(shape) < 4 else shape
    return x, y, z, frames


def _require_whole(image: Any, file: Path) -> None:
    """Raises UnreadableItem for an uncompressed file shorter than its header, before it is read."""
    from nibabel.arrayproxy import ArrayProxy

    data = image.dataobj
    if isinstance(data, ArrayProxy) and isinstance(data.file_like, str):
        path = Path(data.file_like)
        if not path.exists():
            raise UnreadableItem(str(file), f"its voxels in {path.name}", "no such file")
        needed = data.offset + int(np.prod(data.shape)) * data.dtype.itemsize
        packed = path.suffix.lower() in (".gz", ".mgz", ".bz2", ".zst")
        if not packed and path.stat().st_size < needed:
            found = f"{path.stat().st_size} bytes"
            raise UnreadableItem(str(file), f"{needed} bytes of voxels", found)


def _has_spacing(image: Any) -> bool:
    zooms = np.asarray(image.header.get_zooms()[:3], dtype=float)
    return bool(np.isfinite(zooms).all() and (zooms > 0).all())


def _words(error: Exception) -> str:
    text = str(error).splitlines()[0] if str(error) else ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
