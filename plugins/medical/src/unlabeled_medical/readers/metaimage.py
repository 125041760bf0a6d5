"""MetaImage (`.mha`, `.mhd`): a text header; voxels follow it, or lie in a `.raw` or `.zraw` file.

Source: MetaIO's description of the format (ITK, Modules/ThirdParty/MetaIO). Each row of
TransformMatrix is the direction of a stored axis; world axes are turned from LPS+ to RAS+.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from unlabeled.errors import UnreadableItem
from unlabeled_medical.readers.header import Header, Stored, in_mm

SUFFIXES = (".mha", ".mhd")
COMPANIONS = (".raw", ".zraw", ".raw.gz")

TYPES = {
    "MET_CHAR": "i1", "MET_UCHAR": "u1", "MET_SHORT": "i2", "MET_USHORT": "u2", "MET_INT": "i4",
    "MET_UINT": "u4", "MET_LONG": "i4", "MET_ULONG": "u4", "MET_LONG_LONG": "i8",
    "MET_ULONG_LONG": "u8", "MET_FLOAT": "f4", "MET_DOUBLE": "f8",
}  # fmt: skip
LONGEST = 65_536
"""Bytes of a header; real ones have some hundred."""
LPS_TO_RAS = np.array([-1.0, -1.0, 1.0])


def header(files: Sequence[Path]) -> Header:
    """Raises UnreadableItem."""
    fields, _ = _read_fields(files[0])
    sizes, space = _sizes(fields, files[0]), min(_number(fields, "NDims", files[0]), 3)
    spacing = _vector(fields, ("ElementSpacing", "ElementSize"), space)
    units = fields.get("distanceunits", "mm")
    affine, notes = np.eye(4), tuple[str, ...]()
    steps = np.ones(space) if spacing is None else spacing
    rows = _matrix(fields, space)
    affine[:space, :space] = rows.T * steps
    affine[:space, 3] = _origin(fields, space)
    affine[:3] *= LPS_TO_RAS[:, None]
    if spacing is not None:
        affine, notes = in_mm(affine, units)
    frames, channels = sizes[3], _channels(fields, files[0])
    if frames > 1 and channels > 1:
        raise UnreadableItem(str(files[0]), "frames or channels", f"{frames} and {channels}")
    _whole(fields, files[0])
    return Header(
        shape=(sizes[0], sizes[1], sizes[2]),
        affine=affine,
        frames=max(frames, channels),
        colour=channels == 3 and fields.get("elementtype") == "MET_UCHAR",
        spaced=spacing is not None,
        notes=notes,
    )


def load(files: Sequence[Path]) -> Stored:
    """The voxels; memory-mapped where they are not compressed. Raises UnreadableItem."""
    fields, start = _read_fields(files[0])
    file, dtype, sizes = (
        _voxels(fields, files[0]),
        _dtype(fields, files[0]),
        _sizes(fields, files[0]),
    )
    channels = _channels(fields, files[0])
    count = int(np.prod(sizes)) * channels
    if fields.get("compresseddata", "").lower() == "true":
        values = _inflated(file, start, count * dtype.itemsize).view(dtype)
    else:
        offset = _offset(fields, file, start, count * dtype.itemsize)
        values = np.memmap(file, dtype, "r", offset, (count,))
    # The first axis runs fastest, and the channels of a voxel before it.
    values = values.reshape((channels, *sizes), order="F")
    return Stored(np.moveaxis(values, 0, -1).reshape(*sizes[:3], -1, order="F"))


def voxels_beside(file: Path) -> list[Path]:
    """The file of voxels that a header names, unless they are in the file itself."""
    try:
        found = _voxels(_read_fields(file)[0], file)
    except UnreadableItem:
        return []
    return [] if found == file else [found]


def _read_fields(file: Path) -> tuple[dict[str, str], int]:
    """Names in small letters, and where the voxels of the same file begin."""
    try:
        with file.open("rb") as opened:
            text = opened.read(LONGEST)
    except OSError as error:
        raise UnreadableItem(str(file), "a file", f"{error.strerror}") from error
    fields: dict[str, str] = {}
    place = 0
    for line in text.splitlines(keepends=True):
        place += len(line)
        name, equals, value = line.partition(b"=")
        if not equals:
            break
        fields[name.strip().decode("latin-1").lower()] = value.strip().decode("latin-1")
        if name.strip().lower() == b"elementdatafile":
            _require_known(fields, file)
            return fields, place
    raise UnreadableItem(str(file), "a MetaImage header up to ElementDataFile", "none")


def _require_known(fields: Mapping[str, str], file: Path) -> None:
    if fields.get("objecttype", "Image").lower() != "image":
        raise UnreadableItem(str(file), "ObjectType = Image", fields["objecttype"])
    if fields.get("binarydata", "True").lower() == "false":
        raise UnreadableItem(str(file), "binary voxels", "voxels as text (BinaryData = False)")
    name = fields["elementdatafile"]
    if name.upper().startswith("LIST") or "%" in name:
        raise UnreadableItem(str(file), "one file of voxels", f"ElementDataFile = {name}")
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in name:
        raise UnreadableItem(str(file), "voxels beside the header", f"ElementDataFile = {name}")


def _voxels(fields: Mapping[str, str], file: Path) -> Path:
    """The file of voxels. Raises UnreadableItem if it is not there."""
    name = fields["elementdatafile"]
    if name.upper() == "LOCAL":
        return file
    found = file.parent / name.replace("\\", "/")
    if not found.is_file():
        raise UnreadableItem(str(file), f"its voxels in {name}", "no such file")
    return found


def _whole(fields: Mapping[str, str], file: Path) -> None:
    """Raises UnreadableItem for a truncated file before it is read, unless it is compressed."""
    voxels, dtype = _voxels(fields, file), _dtype(fields, file)
    if fields.get("compresseddata", "").lower() != "true":
        needed = int(np.prod(_sizes(fields, file))) * _channels(fields, file) * dtype.itemsize
        _offset(fields, voxels, _read_fields(file)[1], needed)


def _offset(fields: Mapping[str, str], file: Path, start: int, needed: int) -> int:
    """Bytes before the voxels; HeaderSize = -1 says that they are the last of the file."""
    skipped = int(fields.get("headersize", 0))
    local = fields["elementdatafile"].upper() == "LOCAL"
    length = file.stat().st_size
    offset = length - needed if skipped < 0 else (start if local else skipped)
    if offset < 0 or length - offset < needed:
        raise UnreadableItem(str(file), f"{needed} bytes of voxels", f"{length - max(offset, 0)}")
    return offset


def _inflated(file: Path, start: int, needed: int) -> np.ndarray:
    local = file.suffix.lower() in SUFFIXES
    with file.open("rb") as opened:
        opened.seek(start if local else 0)
        packed = opened.read()
    try:
        # gzip's header is accepted too; no more bytes are unpacked than the sizes need.
        found = zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(packed, needed)
    except zlib.error as error:
        raise UnreadableItem(str(file), "complete voxel data", f"{error}") from error
    if len(found) < needed:
        raise UnreadableItem(str(file), f"{needed} bytes of voxels", f"{len(found)}")
    return np.frombuffer(found, np.uint8)


def _sizes(fields: Mapping[str, str], file: Path) -> tuple[int, int, int, int]:
    axes = _number(fields, "NDims", file)
    try:
        sizes = [int(size) for size in fields["dimsize"].split()]
    except (KeyError, ValueError):
        sizes = []
    if not 2 <= axes <= 4 or len(sizes) != axes or min(sizes) < 1:
        found = f"NDims = {axes}, DimSize = {fields.get('dimsize', '')}"
        raise UnreadableItem(str(file), "a size for each of 2 to 4 axes", found)
    x, y, z, frames = (*sizes, 1, 1)[:4] if axes < 4 else sizes
    return x, y, z, frames


def _number(fields: Mapping[str, str], name: str, file: Path) -> int:
    try:
        return int(fields[name.lower()])
    except (KeyError, ValueError) as error:
        found = fields.get(name.lower(), "none")
        raise UnreadableItem(str(file), f"a whole number {name}", found) from error


def _channels(fields: Mapping[str, str], file: Path) -> int:
    return _number({"elementnumberofchannels": "1", **fields}, "ElementNumberOfChannels", file)


def _dtype(fields: Mapping[str, str], file: Path) -> np.dtype:
    kind = fields.get("elementtype", "none")
    if kind not in TYPES:
        raise UnreadableItem(str(file), f"an ElementType of {', '.join(TYPES)}", kind)
    msb = fields.get("binarydatabyteordermsb", fields.get("elementbyteordermsb", "False"))
    return np.dtype(TYPES[kind]).newbyteorder(">" if msb.lower() == "true" else "<")


def _vector(fields: Mapping[str, str], names: Sequence[str], length: int) -> np.ndarray | None:
    """The first of these fields that is there and has numbers enough."""
    for name in names:
        try:
            values = np.array([float(value) for value in fields[name.lower()].split()])
        except (KeyError, ValueError):
            continue
        if len(values) >= length:
            first: np.ndarray = values[:length]
            return first
    return None


def _origin(fields: Mapping[str, str], space: int) -> np.ndarray:
    found = _vector(fields, ("Offset", "Position", "Origin"), space)
    return np.zeros(space) if found is None else found


def _matrix(fields: Mapping[str, str], space: int) -> np.ndarray:
    """(space, space), a row for each stored axis; of four axes the last one is left out."""
    axes = int(fields["ndims"])
    found = _vector(fields, ("TransformMatrix", "Rotation", "Orientation"), axes * axes)
    rows: np.ndarray = np.eye(axes) if found is None else found.reshape(axes, axes)
    return rows[:space, :space]
