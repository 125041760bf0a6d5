"""NRRD volumes, with their voxels in the same file or in one beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from unlabeled.errors import UnreadableItem
from unlabeled_medical.readers.header import Header, Stored, in_mm

SUFFIXES = (".nrrd", ".nhdr")
COMPANIONS = (".raw", ".raw.gz")

RAS_SIGNS = {
    "left-anterior-superior": (-1, 1, 1),
    "left-posterior-superior": (-1, -1, 1),
    "las": (-1, 1, 1),
    "lps": (-1, -1, 1),
}
"""Signs from the header's `space` to RAS+; without one RAS+ is assumed."""


def header(files: Sequence[Path]) -> Header:
    """Raises UnreadableItem."""
    fields = _read_header(files[0])
    space, others = _axes(fields, files[0])
    sizes = [int(size) for size in fields["sizes"]]
    x, y, z = ([sizes[axis] for axis in space] + [1])[:3]
    directions = _directions(fields, space)
    affine = np.eye(4)
    if directions is not None:
        affine[:3, : len(space)] = directions
    affine[:3, 3] = _signed(fields, np.asarray(fields.get("space origin", np.zeros(3)), float))
    affine, notes = in_mm(affine, _unit(fields)) if directions is not None else (affine, ())
    frames = sizes[others[0]] if others else 1
    return Header((x, y, z), affine, frames, spaced=directions is not None, notes=notes)


def load(files: Sequence[Path]) -> Stored:
    """The voxels, as the file stores them. Raises UnreadableItem."""
    import nrrd  # type: ignore[import-untyped]

    space, others = _axes(_read_header(files[0]), files[0])
    try:
        values, _ = nrrd.read(str(files[0]), index_order="F")
    except Exception as error:  # a stranger's file: zlib, struct and nrrd errors alike
        found = f"{type(error).__name__}: {error}"
        raise UnreadableItem(str(files[0]), "complete voxel data", found) from error
    values = values.transpose(space + others)
    lengths = [*values.shape[: len(space)], 1][:3]
    return Stored(values.reshape(*lengths, -1))


def voxels_beside(file: Path) -> list[Path]:
    """The file of voxels that a header names, unless they are in the file itself."""
    try:
        name = _read_header(file).get("data file")
    except UnreadableItem:
        return []
    found = file.parent / str(name) if isinstance(name, str) else file
    return [found] if found != file and found.is_file() else []


def _read_header(file: Path) -> Mapping[str, Any]:
    import nrrd

    try:
        with file.open("rb") as opened:
            fields: Mapping[str, Any] = nrrd.read_header(opened)
            return fields
    except Exception as error:  # a stranger's file
        found = f"{type(error).__name__}: {error}"
        raise UnreadableItem(str(file), "an NRRD header", found) from error


def _axes(fields: Mapping[str, Any], file: Path) -> tuple[list[int], list[int]]:
    """The stored axes of space, 2 or 3, and the others, at most one: frames."""
    axes = range(int(fields["dimension"]))
    directions = fields.get("space directions")
    if directions is not None:
        space = [axis for axis in axes if np.isfinite(np.asarray(directions[axis], float)).all()]
    else:
        kinds = fields.get("kinds") or ["domain"] * len(axes)
        space = [axis for axis in axes if kinds[axis] in ("domain", "space", "unknown", "???")][:3]
    others = [axis for axis in axes if axis not in space]
    if not 2 <= len(space) <= 3 or len(others) > 1 or fields.get("type") == "block":
        found = f"{len(space)} of space and {len(others)} others"
        raise UnreadableItem(str(file), "2 or 3 axes of space, at most one of frames", found)
    return space, others


def _unit(fields: Mapping[str, Any]) -> str:
    """That of all axes; most files give none, and by 3D Slicer's convention it is mm then."""
    units = {str(unit).strip('"') for unit in fields.get("space units") or ["mm"]}
    return units.pop() if len(units) == 1 else " and ".join(sorted(units))


def _directions(fields: Mapping[str, Any], space: Sequence[int]) -> np.ndarray | None:
    """One step along each axis, (3, axes), in RAS+ mm; None if the header gives none."""
    if fields.get("space directions") is not None:
        return np.stack(
            [
                _signed(fields, np.asarray(fields["space directions"][axis], float))
                for axis in space
            ],
            axis=1,
        )
    spacings = np.asarray(fields.get("spacings", np.full(fields["dimension"], np.nan)), float)
    steps = spacings[list(space)]
    return np.eye(3)[:, : len(space)] * steps if np.isfinite(steps).all() else None


def _signed(fields: Mapping[str, Any], vector: np.ndarray) -> np.ndarray:
    signs = RAS_SIGNS.get(str(fields.get("space", "")).lower(), (1, 1, 1))
    padded: np.ndarray = np.pad(vector, (0, 3 - len(vector))) * signs
    return padded
