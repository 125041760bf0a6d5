"""NIfTI, and the other volume formats that nibabel reads: Analyze, MGH, AFNI, MINC, PAR/REC."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from unlabeled.errors import UnreadableItem
from unlabeled_medical.readers.header import Header, Stored

SUFFIXES = (".nii", ".nii.gz", ".hdr", ".mgh", ".mgz", ".head", ".mnc", ".par")
COMPANIONS = (".img", ".img.gz", ".brik", ".brik.gz", ".rec")
"""Files with the voxels of one of the former."""


def header(files: Sequence[Path]) -> Header:
    """Raises UnreadableItem."""
    image = _open(files[0])
    shape = _grid(image, files[0])
    spaced = _has_spacing(image)
    return Header(shape[:3], np.asarray(image.affine, dtype=np.float64), shape[3], spaced=spaced)


def load(files: Sequence[Path]) -> Stored:
    """The voxels; memory-mapped where the file is neither compressed nor of a rare format.

    Raises UnreadableItem.
    """
    from nibabel.arrayproxy import ArrayProxy

    image = _open(files[0])
    shape = _grid(image, files[0])
    try:
        if isinstance(image.dataobj, ArrayProxy):
            unscaled = image.dataobj.get_unscaled()  # type: ignore[no-untyped-call]
            stored = np.asanyarray(unscaled).reshape(shape)
            return Stored(stored, float(image.dataobj.slope), float(image.dataobj.inter))
        return Stored(np.asarray(image.dataobj, dtype=np.float32).reshape(shape))
    except Exception as error:  # zlib.error and the formats' own families
        raise UnreadableItem(str(files[0]), "complete voxel data", _words(error)) from error


def _open(file: Path) -> Any:
    import nibabel

    try:
        return nibabel.load(file)
    except ModuleNotFoundError as error:
        expected = f"the package {error.name}, which this format needs (pip install {error.name})"
        raise UnreadableItem(str(file), expected, "it is not installed") from error
    except Exception as error:  # nibabel's formats raise families of their own
        expected = "a volume that nibabel reads"
        raise UnreadableItem(str(file), expected, _words(error)) from error


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
    """An uncompressed file that is shorter than its header says is known before it is read."""
    from nibabel.arrayproxy import ArrayProxy

    data = image.dataobj
    if isinstance(data, ArrayProxy) and isinstance(data.file_like, str):
        path = Path(data.file_like)
        if not path.exists():
            raise UnreadableItem(str(file), f"its voxels in {path.name}", "no such file")
        needed = data.offset + int(np.prod(data.shape)) * data.dtype.itemsize
        if path.suffix != ".gz" and path.suffix != ".mgz" and path.stat().st_size < needed:
            found = f"{path.stat().st_size} bytes"
            raise UnreadableItem(str(file), f"{needed} bytes of voxels", found)


def _has_spacing(image: Any) -> bool:
    zooms = np.asarray(image.header.get_zooms()[:3], dtype=float)
    return bool(np.isfinite(zooms).all() and (zooms > 0).all())


def _words(error: Exception) -> str:
    text = str(error).splitlines()[0] if str(error) else ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
