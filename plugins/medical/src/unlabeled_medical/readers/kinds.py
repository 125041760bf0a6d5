"""Kinds of files by their names: images, companions of images, label maps."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

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


def files_of_image(file: Path) -> tuple[Path, ...]:
    """An image's file and, if its voxels lie in another, that one; a change of either counts."""
    module = FORMATS.get(kind_of(file.name))
    beside = module.voxels_beside(file) if module in (nifti, metaimage, nrrd) else []
    return (file, *beside[:1])


def looks_like_label(relative: str) -> bool:
    """Whether a word of the path marks a label map: `labelsTr/`, `t1_seg.nii.gz` …"""
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
