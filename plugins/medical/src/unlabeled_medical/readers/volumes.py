"""The reader of medical volumes and images of all formats and folder layouts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from math import prod
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field

from unlabeled.contract import (
    ChecksData,
    KeepsCopies,
    Measures,
    Preview,
    Previews,
    ReadsTargets,
    Suggests,
)
from unlabeled.data.items import REQUIRED, Item, Items
from unlabeled.data.listing import FileRules
from unlabeled.errors import DataError, UnreadableItem
from unlabeled.settings import Settings
from unlabeled.wording import counted
from unlabeled_medical.readers import voxels
from unlabeled_medical.readers.cache import forget_cached
from unlabeled_medical.readers.data_checks import check_data
from unlabeled_medical.readers.entries import Choosing, Entry
from unlabeled_medical.readers.geometry import Grid, Window
from unlabeled_medical.readers.header import Header, Stored
from unlabeled_medical.readers.label_maps import label_map
from unlabeled_medical.readers.layouts import find
from unlabeled_medical.readers.names import Naming, Patients, notes_on
from unlabeled_medical.readers.pictures import previews_of
from unlabeled_medical.readers.scale import Intensity, Scale
from unlabeled_medical.readers.table import (
    PUBLIC,
    files_of,
    files_of_source,
    join_sequences,
    located,
    number_sessions,
    parts_of,
    require_one_grid,
    row_of,
)
from unlabeled_medical.readers.voxels import Source
from unlabeled_medical.volume import LabelMap, Volume, moved_affine

OPTIONAL = {"orientation", "session", "sequence", "split"}
"""Columns that are left out where no item has a value."""
WINDOWED = 64
"""Voxels a side from which windows are suggested for training."""
ASKED = 8
"""Items whose values are looked at before a setting is suggested."""
TRIES = 8
FLAT = 1e-2
"""A window of standardised values with less spread is nearly constant; another is drawn."""


class Volumes(Settings, ChecksData, Measures, Suggests, Previews, KeepsCopies, ReadsTargets):
    """NIfTI (and what else nibabel reads), DICOM series, NRRD, MetaImage, and flat images.

    Gives a `Volume` of 3 axes, or of 2 where one axis has length 1 or `slices` is set. Its voxels
    keep their place in the world when they are turned, cut or resampled.
    """

    private: ClassVar[bool] = True
    public: ClassVar[tuple[str, ...]] = PUBLIC

    include: tuple[str, ...] = Field((), description="globs of the only files to read")
    exclude: tuple[str, ...] = Field((), description="globs of files to leave out")
    sections: tuple[str, ...] = Field(
        ("training", "validation"), min_length=1, description="sections of a datalist to read"
    )
    patients: Patients = Field(
        "names",
        description="source of the patient: tags and names, or each folder or file is a patient",
    )
    pattern: str | None = Field(
        None, description="paths with named fields, {patient}/{session}/{sequence}.nii.gz"
    )
    sequences: tuple[str, ...] = Field(
        (), description="sequences of one patient and session to read as channels (T1w, FLAIR)"
    )
    frames: Literal["items", "channels"] = Field(
        "items", description="a fourth axis is a list of volumes, or of channels"
    )
    slices: Literal["axial", "coronal", "sagittal"] | None = Field(
        None, description="read every slice of this plane as an image of its own"
    )
    orientation: Literal["RAS", "stored"] = Field(
        "RAS", description="turn axes towards right, front and head, or leave them"
    )
    spacing: tuple[float, float, float] | None = Field(
        None, description="mm between voxels to resample to, along x, y, z; none if unset"
    )
    assume_spacing: tuple[float, float, float] | None = Field(
        None, description="mm along the stored axes, for files that do not say"
    )
    intensity: Intensity = Field(
        "robust",
        description="robust: each volume standardised; hounsfield: HU / 1000; over_frames: each "
        "voxel standardised over its file's frames, robust where there is one alone; stored",
    )
    patch: int | tuple[int, ...] | None = Field(
        None, description="voxels of the window drawn in training; one side, or one per axis"
    )
    cache_gb: float = Field(
        10.0, ge=0, description="decoded voxels kept on disk, so that windows can be cut from them"
    )

    def index(self, path: Path) -> Items:
        """From headers only. Raises DataError if nothing below `path` can be used."""
        rules = FileRules(include=self.include, exclude=self.exclude, pattern=self.pattern)
        naming = Naming(self.patients, self.pattern)
        found = find(path, Choosing(rules, self.sections, naming))
        entries, listing = found.entries, found.listing
        rows: list[dict[str, Any]] = []
        doubts: Counter[str] = Counter()
        for entry in join_sequences(entries, self.sequences) if self.sequences else entries:
            try:
                headers = self._headers(entry)
                rows.extend(self._rows(entry, headers))
                doubts.update(note for header in headers for note in header.notes)
            except UnreadableItem as error:
                listing.quarantine(error)
        notes = notes_on([(row.pop("patient_from"), row["group"]) for row in rows])
        notes += [f"{counted(count, 'file')} with {note}" for note, count in doubts.items()]
        number_sessions(rows)
        columns = {name: [row[name] for row in rows] for name in (rows[0] if rows else REQUIRED)}
        filled = {
            name: column for name, column in columns.items() if name not in OPTIONAL or any(column)
        }
        return listing.items(filled, notes, of="medical image")

    def read(self, item: Item, rng: np.random.Generator | None = None) -> Volume:
        """The whole item, or with `rng` a window of `patch` voxels. Raises UnreadableItem."""
        sources = [
            Source.of(item.metadata["format"], files) if files else None for files in files_of(item)
        ]
        header = self._header(next(source for source in sources if source))
        grid, intensity = self._grid(header), self._intensity(header)
        part = item.metadata["frame"] > 0 or item.size < prod(grid.shape)
        mapped = rng is not None or part  # else it would be decoded again for each slice
        for window in self._windows(item, grid, rng):
            parts = [
                self._part(source, grid, window, item, intensity, mapped=mapped)
                for source in sources
            ]
            if intensity != "robust" or any(_shows(p) for p in parts if p is not None):
                break
        return _volume(parts, grid, window, item)

    def read_target(self, item: Item, value: Path, like: Volume) -> LabelMap:
        """A label map, in any format, on the voxels of `like`. Raises UnreadableItem."""
        # Nothing of it is kept on disk: `forget_copies` knows the files of items alone.
        masks = self.model_copy(
            update={"include": ("*",), "intensity": "stored", "spacing": None, "cache_gb": 0.0}
            | {"sequences": (), "slices": None, "patch": None, "pattern": None}
        )
        try:
            [mask] = masks.index(value)
        except (DataError, ValueError) as error:
            raise UnreadableItem(str(value), "one label map", f"{error}") from error
        source, image = (
            Source.of(each.metadata["format"], next(files for files in files_of(each) if files))
            for each in (mask, item)
        )
        grid = masks._grid(masks._header(source))
        _require_finite(source)

        def load(window: Window) -> np.ndarray:
            part = masks._part(source, grid, window, mask, "stored", mapped=True)
            assert part is not None  # as there is a source
            voxels: np.ndarray = part[0]
            return voxels

        return label_map(str(value), grid, self._grid(self._header(image)), like, load)

    def describe(self, items: Items) -> Mapping[str, Any]:
        """`channels`, `ranks` and, unless there are both images and volumes, `rank` of the data.

        Raises DataError if items differ in channels.
        """
        ranks = tuple(sorted(set(items.table["rank"].to_pylist())))
        facts = {"channels": _only(items, "channels"), "ranks": ranks}
        return facts | ({"rank": ranks[0]} if len(ranks) == 1 else {})

    def check_data(self, sample: Volume) -> list[str]:
        """Findings in a scan: missing sequences, label maps, flat or elongated voxels."""
        return check_data(sample)

    def previews(self, item: Item, sample: Volume) -> list[Preview]:  # noqa: ARG002
        """The planes through the middle, or the image."""
        return previews_of(sample)

    def measure(self, item: Item) -> dict[str, float]:
        """The clipping range of `robust`, in the units of the item's first file."""
        scale = self._scale(item)
        return {"darkest (0.5 %)": scale.low, "brightest (99.5 %)": scale.high}

    def suggest(self, items: Items) -> tuple[str, str]:
        """A tiny recipe for the rank, the size and the units of the data."""
        name, why = self._by_size(items)
        if self.intensity == "robust" and self._like_ct(items):
            name += " --reader.intensity hounsfield"
            why += "; values look like CT, where padding outside of the field of view is air"
        return name, why

    def _by_size(self, items: Items) -> tuple[str, str]:
        if set(items.table["rank"].to_pylist()) == {2}:
            return "medical/vicreg_images", "flat images; it was measured on chest films"
        shapes = np.array([shape for shape in items.table["shape"].to_pylist() if len(shape) == 3])
        side = int(np.median(shapes.min(axis=1)))
        if side < WINDOWED:
            return "medical/vicreg", f"volumes of {side} voxels or so are seen whole"
        return f"medical/vicreg --reader.patch {WINDOWED}", f"{side} voxels or so: by windows"

    def _like_ct(self, items: Items) -> bool:
        """Whether most of a few items that can be read hold Hounsfield units."""
        found = []
        for index in range(0, len(items), max(1, len(items) // ASKED)):
            with suppress(UnreadableItem):
                found.append(self._scale(items[index]).like_ct)
        return sum(found) > len(found) / 2

    def _scale(self, item: Item) -> Scale:
        files = next(files for files in files_of(item) if files)
        source = Source.of(item.metadata["format"], files)
        return voxels.read_scale(source, max(item.metadata["frame"], 0))

    def _headers(self, entry: Entry) -> list[Header]:
        headers = [self._header(Source.of(entry.format, f)) for f in entry.channels if f]
        require_one_grid(headers, located(entry)[0])
        return headers

    def _rows(self, entry: Entry, headers: Sequence[Header]) -> Iterator[dict[str, Any]]:
        if self.spacing and not headers[0].spaced:
            expected = f"a spacing in mm, to resample to {self.spacing} (or assume_spacing)"
            raise UnreadableItem(located(entry)[0], expected, "none in the file")
        grid = self._grid(headers[0])
        for part in parts_of(headers[0], grid, self.frames, self.slices):
            yield row_of(entry, part, headers[0], grid, self.slices)

    def _header(self, source: Source) -> Header:
        return voxels.read_header(source, self.assume_spacing)

    def _grid(self, header: Header) -> Grid:
        return grid_of(header, turn=self.orientation == "RAS", spacing=self.spacing)

    def _intensity(self, header: Header) -> Intensity:
        """A single frame, or colours, cannot be standardised over."""
        lone = header.frames == 1 or header.colour
        return "robust" if self.intensity == "over_frames" and lone else self.intensity

    def _windows(self, item: Item, grid: Grid, rng: np.random.Generator | None) -> Iterator[Window]:
        """Windows to try: the whole, or up to `TRIES` drawn ones, the last of which is taken."""
        axis, place = item.metadata["axis"], item.metadata["slice"]
        wanted = self._sides(item) if rng else {}
        for _ in range(TRIES if wanted else 1):
            window = []
            for number, length in enumerate(grid.shape):
                side = min(wanted.get(number, length), length)
                start = int(rng.integers(length - side + 1)) if rng else 0
                window.append(slice(start, start + side))
            if axis >= 0:
                window[axis] = slice(place, place + 1)
            yield window[0], window[1], window[2]

    def forget_copies(self, sources: Sequence[str]) -> int:
        channels = (files for source in sources for files in files_of_source(source) if files)
        return sum(map(forget_cached, channels))

    def _sides(self, item: Item) -> dict[int, int]:
        """The window's length along each axis that it cuts. Raises DataError."""
        kept = _kept(item.metadata["axis"])
        if self.patch is None:
            return {}
        sides = (self.patch,) * len(kept) if isinstance(self.patch, int) else self.patch
        if len(sides) != len(kept):
            raise DataError(
                f"{item.source}: the reader's patch has {len(sides)} axes, the item has "
                f"{len(kept)}. Give one length per axis, or one for all."
            )
        return dict(zip(kept, sides, strict=True))

    def _part(
        self,
        source: Source | None,
        grid: Grid,
        window: Window,
        item: Item,
        intensity: Intensity,
        *,
        mapped: bool,
    ) -> np.ndarray | None:
        """(F, x, y, z) of one file, normalised; None if the sequence is missing."""
        if source is None:
            return None
        opened: Stored | np.ndarray = (
            voxels.open_windows(source, grid, intensity, int(self.cache_gb * 1e9))
            if mapped
            else voxels.open_whole(source)
        )
        frame = item.metadata["frame"]
        if isinstance(opened, Stored):
            count = opened.values.shape[3]
            frames = slice(0, count) if frame < 0 else slice(frame, frame + 1)
            return voxels.final_window(source, opened, grid, window, intensity, frames)
        frames = slice(None) if frame < 0 else slice(frame, frame + 1)
        return np.array(opened[(frames, *window)])  # of its own, and no longer mapped


@lru_cache(maxsize=4096)
def _require_finite(source: Source) -> None:
    """Raises UnreadableItem for a label map with gaps, which a reader of images fills."""
    stored = voxels.open_whole(source)
    if stored.may_have_gaps and (wrong := int((~np.isfinite(stored.values)).sum())):
        found = f"{counted(wrong, 'voxel')} NaN or infinite; write -1 where the class is unknown"
        raise UnreadableItem(source.name, "whole class numbers in a label map", found)


@lru_cache(maxsize=4096)
def grid_of(header: Header, *, turn: bool, spacing: tuple[float, float, float] | None) -> Grid:
    """Where the wanted voxels of a file lie. Remembered by the header itself."""
    grid = Grid.of(header.shape, header.affine)
    grid = grid.towards_ras() if turn else grid
    return grid.spaced(spacing) if spacing else grid


def _shows(values: np.ndarray) -> bool:
    """Whether every fourth voxel along each axis shows more than air."""
    some = values[:, ::4, ::4, ::4].ravel()
    return bool(some @ some / some.size - some.mean() ** 2 > FLAT**2)


def _kept(axis: int) -> list[int]:
    return [a for a in range(3) if a != axis]


def _volume(parts: Sequence[np.ndarray | None], grid: Grid, window: Window, item: Item) -> Volume:
    """Channels joined, zeros for missing ones, and the axis of a flat item left out."""
    shape = next(part.shape for part in parts if part is not None)
    there = [np.zeros(shape, np.float32) if part is None else part for part in parts]
    values = np.concatenate(there) if len(there) > 1 else there[0]
    present = np.repeat([part is not None for part in parts], shape[0])
    affine = moved_affine(grid.affine, [part.start for part in window])
    axis = item.metadata["axis"]
    if axis >= 0:
        values = values.squeeze(axis + 1)
        affine = affine[:, [*_kept(axis), 3]]
    return Volume(torch.from_numpy(values), affine, torch.from_numpy(present))


def _only(items: Items, name: str) -> Any:
    counts = Counter(items.table[name].to_pylist())
    if len(counts) > 1:
        some = ", ".join(f"{count} items with {name} {value}" for value, count in counts.items())
        raise DataError(
            f"the items differ: {some}. An encoder takes one kind; choose with the reader's "
            "include and exclude."
        )
    return next(iter(counts), None)
