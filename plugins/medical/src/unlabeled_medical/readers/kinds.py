"""Which files are images, which lie beside images, and which hold labels, by their names."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from unlabeled.data.walk import File
from unlabeled_medical.readers import dicom, images, metaimage, nifti, nrrd

FORMATS = {
    "nifti": nifti,
    "dicom": dicom,
    "nrrd": nrrd,
    "metaimage": metaimage,
    "image": images,
}
ENDINGS = tuple(ending for module in FORMATS.values() for ending in module.SUFFIXES)
COMPANIONS = tuple(dict.fromkeys(e for module in FORMATS.values() for e in module.COMPANIONS))
HEADERS = {
    ".img": (".hdr", ".hdr.gz"),
    ".img.gz": (".hdr", ".hdr.gz"),
    ".brik": (".head",),
    ".brik.gz": (".head",),
    ".rec": (".par",),
}
"""What stands beside a file of voxels; a `.raw` may have any name, which its header holds."""
LABEL_WORDS = {
    "label", "labels", "labelstr", "labelsts", "mask", "masks", "seg", "segs", "segmentation",
    "segmentations", "dseg", "probseg", "groundtruth", "gt", "annotation", "annotations",
    "contour", "contours", "lesion", "lesions", "roi", "rois", "aseg", "aparc", "parcellation",
    "parc", "dlmuse", "muse", "vertlabels", "derivatives",
}  # fmt: skip


def kind_of(name: str) -> str:
    """The format's name, "companion" for the voxels of a header, or "" for anything else."""
    lower = name.lower()
    for kind, module in FORMATS.items():
        if lower.endswith(module.SUFFIXES):
            return kind
    return "companion" if lower.endswith(COMPANIONS) else ""


def looks_like_dicom(file: File) -> bool:
    """Whether a file without a suffix, or with a number for one, begins as DICOM does."""
    name = file.name.rpartition("/")[2]
    return ("." not in name or name.rpartition(".")[2].isdigit()) and dicom.is_dicom(file.path)


def has_header(name: str, beside: set[str]) -> bool:
    """Whether the header of a companion is there. beside: names in its folder, in small letters."""
    lower = name.rpartition("/")[2].lower()
    for ending, headers in HEADERS.items():
        if lower.endswith(ending):
            return any(lower.removesuffix(ending) + each in beside for each in headers)
    return any(other.endswith((".mhd", ".nhdr")) for other in beside)


def looks_like_label(relative: str) -> bool:
    """Whether a word of the path says that it holds labels: `labelsTr/`, `t1_seg.nii.gz` …"""
    *folders, name = PurePosixPath(relative).parts
    whole = stem(name).lower().replace("ground_truth", "groundtruth")
    words = set(re.split(r"[^a-z]+", whole)) | {folder.lower() for folder in folders}
    words |= {part for folder in folders for part in re.split(r"[^a-z]+", folder.lower())}
    return bool(words & LABEL_WORDS)


def stem(name: str) -> str:
    """A file's name without its suffixes."""
    lower = name.lower()
    for ending in sorted(ENDINGS, key=len, reverse=True):
        if lower.endswith(ending):
            return name[: -len(ending)]
    return name
