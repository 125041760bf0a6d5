"""Find the images below a path by the layout of the folder.

Known are plain folders, BIDS, datalists (see `datalists`), and folders of `imagesTr` and `imagesTs`
as the Medical Segmentation Decathlon and nnU-Net have them (see `nnunet`), also several in one
folder. All of them can hold label maps beside images; these are left out unless `include` names
them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from unlabeled.data.listing import FOREIGN, Listed, Listing, list_files
from unlabeled.data.walk import File
from unlabeled.errors import UnreadableItem
from unlabeled_medical.readers import datalists, dicom, nnunet
from unlabeled_medical.readers.entries import Choosing, Found, entry_of
from unlabeled_medical.readers.kinds import (
    COMPANIONS,
    ENDINGS,
    files_of_image,
    kind_of,
    looks_like_dicom,
    looks_like_label,
    stem,
)
from unlabeled_medical.readers.names import Named

LABELS = "that look like label maps (the reader's include brings them in)"
UNNAMED = "that the datalist does not name"
NO_IMAGES = "of DICOM that are not images"
IN_TAGS = Named("", patient_from="tag")


def find(path: Path, choosing: Choosing) -> Found:
    """List the images at `path`: a folder, one file, or a datalist. Raises DataError."""
    path = Path(path)
    if path.suffix.lower() == ".json" and path.is_file():
        found = Found(Listing(path))
        datalists.add(datalists.read(path, choosing), path, "", choosing, found)
        return found
    listing = list_files(path, choosing.rules, (*ENDINGS, *COMPANIONS), _may_be_one)
    found = Found(listing)
    parts = _by_set(_without_datalists(listing, path), path)
    for root, files in parts.items():
        if root is None:
            _add_files(_images(files, choosing, listing), choosing, found)
        else:
            _add_set(path / root, root, files, choosing, found)
    found.entries.sort(key=lambda entry: entry.id)
    return found


def _may_be_one(file: File) -> bool:
    return file.name.rpartition("/")[2] == datalists.NAME or looks_like_dicom(file)


def _without_datalists(listing: Listing, path: Path) -> list[Listed]:
    """The files that may be images. A `dataset.json` that names none is counted."""
    sets = {"", *(nnunet.root_of(file.name) for file in listing.files)} if path.is_dir() else set()
    kept = []
    for file in listing.files:
        folder, _, name = file.name.rpartition("/")
        if name != datalists.NAME:
            kept.append(file)
        elif folder not in sets:
            listing.leave_out(FOREIGN, ".json")
    return kept


def _by_set(files: Sequence[Listed], path: Path) -> dict[str | None, list[Listed]]:
    """Files by the folder of their data set, "" for `path` itself; None for those in none."""
    own = path.is_dir() and (path / datalists.NAME).is_file()
    parts: dict[str | None, list[Listed]] = {"": []} if own else {}
    for file in files:
        root = nnunet.root_of(file.name)
        parts.setdefault("" if root is None and own else root, []).append(file)
    return parts


def _add_set(
    folder: Path, root: str, files: Sequence[Listed], choosing: Choosing, found: Found
) -> None:
    """Images of one data set, by its datalist or by its folders. Raises DataError."""
    file = folder / datalists.NAME
    about = datalists.read(file, choosing, required=root == "") if file.is_file() else {}
    images = _images(files, choosing, found.listing)
    if about and not nnunet.without_list(about):
        used = datalists.add(about, file, root, choosing, found)
        if unnamed := sum(each.path not in used for each in images):
            found.listing.leave_out(UNNAMED, count=unnamed)
    else:
        rest = nnunet.add(images, root, about, choosing, found)
        _add_files(rest, choosing, found)


def _images(files: Sequence[Listed], choosing: Choosing, listing: Listing) -> list[Listed]:
    """Files that may be images; the others are counted, except voxels that have a header."""
    used = {path for file in files for path in files_of_image(file.path)[1:]}
    images = []
    for file in files:
        if kind_of(file.name) == "companion":
            if file.path not in used:
                listing.leave_out(FOREIGN, f"{file.path.suffix.lower()} without its header")
        elif not choosing.rules.include and looks_like_label(file.name):
            listing.leave_out(LABELS)
        else:
            images.append(file)
    return images


def _add_files(files: Sequence[Listed], choosing: Choosing, found: Found) -> None:
    """Plain folders and BIDS alike."""
    slices: dict[Path, list[Listed]] = defaultdict(list)
    for file in files:
        kind = kind_of(file.name) or ("dicom" if dicom.is_dicom(file.path) else "")
        if kind == "dicom":
            slices[file.path.parent].append(file)
            continue
        try:
            if not kind:
                raise UnreadableItem(str(file.path), "an image", "another kind of file")
            named = choosing.naming.of(file.name, stem(file.path.name))
        except UnreadableItem as error:
            found.listing.quarantine(error)
        else:
            found.entries.append(entry_of(file.name, kind, (files_of_image(file.path),), named))
    for members in slices.values():
        _add_series(members, choosing, found)


def _add_series(files: Sequence[Listed], choosing: Choosing, found: Found) -> None:
    """The series of one folder. A folder's only series, of several slices, has the folder's id."""
    names = {file.path: file.name for file in files}
    series, problems = dicom.group_series(list(names))
    for problem in problems:
        if isinstance(problem, dicom.NotAnImage):
            found.listing.leave_out(NO_IMAGES, problem.found)
        else:
            found.listing.quarantine(problem)
    for members in series:
        try:
            ordered = dicom.in_order(members)
            first = names[ordered[0]]
            folder = first.rpartition("/")[0]
            alone = len(series) == 1 and len(ordered) > 1 and folder
            naming = choosing.naming
            named = naming.of(first, stem(ordered[0].name)) if naming.says() else IN_TAGS
        except UnreadableItem as error:
            found.listing.quarantine(error)
        else:
            found.entries.append(entry_of(folder if alone else first, "dicom", (ordered,), named))
