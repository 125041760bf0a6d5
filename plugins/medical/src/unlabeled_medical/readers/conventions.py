"""Naming conventions of collections and archives, as data for `names`.

`LAYOUTS` are collections whose paths name the patient. The other tables are words for contents,
times and places, which identify nobody; they are cut from names, and folders with no other words
are not patients. To teach the reader a convention, add a row or a word, and paths of it to
`tests/readers/test_conventions.py`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Layout:
    """path: searched for in a path below the indexed folder, suffix included; its group `patient`
    names the patient, and `session`, if it has one, the visit."""

    collection: str
    path: re.Pattern[str]


def _layout(collection: str, path: str) -> Layout:
    return Layout(collection, re.compile(path))


VOLUME = r"\.(?:nii|nii\.gz|nrrd|mha|mhd|NII|NII\.GZ)$"
LAYOUTS = (
    _layout(
        "HCP Young Adult",
        r"(?:^|/)(?P<patient>\d{6})(?:_(?P<session>[37]T)(?:_|/|$)|(?=/(?:unprocessed|T1w|T2w|"
        r"MNINonLinear|Diffusion|[37]T)(?:/|_|$)))",
    ),
    _layout(
        "HCP Lifespan",
        r"(?:^|[/_\-])(?P<patient>HC[ADP]\d{7})(?:_(?P<session>V\d))?(?![0-9])",
    ),
    _layout(
        "UK Biobank",
        r"(?:^|/)(?P<patient>\d{7})(?:_|/(?=\d{5}_))(?:\d{4,5}_)?(?P<session>[0-3])_\d(?![0-9])",
    ),
    _layout("ADNI", r"(?<![0-9A-Za-z])(?P<patient>\d{3}_S_\d{4,5})(?![0-9])"),
    _layout("ADNI", r"(?<![0-9A-Za-z])(?P<patient>ADNI\d{3}S\d{4,5})(?![0-9])"),
    _layout(
        "LONI (PPMI, AIBL, ICBM)",
        r"(?:^|/)(?P<patient>(?:PPMI|AIBL|ICBM|NIFD)_[0-9A-Za-z]+)_(?:MR|PT|PET|CT)_",
    ),
    _layout(
        "CT-RATE",
        r"(?:^|/)(?P<patient>(?:train|valid)_\d+)_(?P<session>[a-z]{1,2})(?:_\d+)?(?=/|\.|$)",
    ),
    _layout(
        "OASIS-1 and -2",
        r"(?:^|[/_\-])(?P<patient>OAS[12]_\d{4})(?:_(?P<session>MR\d+))?(?![0-9])",
    ),
    _layout(
        "OASIS-3 and -4",
        r"(?:^|[/_\-])(?P<patient>OAS[34]\d{4})(?:_[A-Za-z0-9]+)??(?:_(?P<session>d\d{4}))?(?![0-9])",
    ),
    _layout("MIMIC-CXR", r"(?:^|/)(?P<patient>p\d{8})(?:/(?P<session>s\d{8}))?(?=/|\.|$)"),
    _layout("NIH ChestX-ray14", r"(?:^|/)(?P<patient>000\d{5})_(?P<session>\d{3})\.png$"),
    _layout(
        "LiTS",
        rf"^(?P<patient>(?:.*/)?(?:test-)?volume-\d+){VOLUME}",
    ),
    _layout("BTCV", rf"^(?P<patient>(?:.*/)?(?:img|label)\d{{4}}){VOLUME}"),
    _layout("BraTS 2023", r"(?P<patient>BraTS-[A-Z]+-\d{5})-(?P<session>\d{3})(?![0-9])"),
    _layout("UPENN-GBM", r"(?P<patient>UPENN-GBM-\d{5})(?:_(?P<session>\d{2}))?(?![0-9])"),
    _layout("TCGA", r"(?<![A-Za-z0-9])(?P<patient>TCGA-[A-Z0-9]{2}-[A-Z0-9]{4})(?![A-Za-z0-9])"),
    _layout("LIDC-IDRI", r"(?P<patient>LIDC-IDRI-\d{4})(?![0-9])"),
    _layout(
        "ISBI 2015 lesions",
        r"(?:^|/)(?P<patient>(?:training|test)\d{2})_(?P<session>\d{2})_(?:mprage|flair|pd|t2)",
    ),
    _layout("MSSEG-2", r"(?:^|/)(?P<patient>\d{3})/flair_(?P<session>time\d{2})"),
    _layout("CBIS-DDSM", r"(?P<patient>P_\d{5})_(?:LEFT|RIGHT)_"),
    _layout("series UIDs (LUNA16)", r"(?:^|/)(?P<patient>\d+(?:\.\d+){5,})(?=/|\.[a-z]+$|$)"),
)
"""In this order; the first that fits counts."""

BIDS = re.compile(r"(?:^|[_/])(sub|ses)-([A-Za-z0-9]+)", re.IGNORECASE)
PERSON = re.compile(
    r"(?:^|[_\-. /])((?:patient|person|subject|subj|sub|case|pat|participant|volunteer)"
    r"(?:[_\-. ][A-Za-z]?)?\d+)",
    re.IGNORECASE,
)

WORDS = (
    r"t1w?|t1ce|t1gd|t1c|t1n|t2w?|t2f|t2star|flair|pd|pdw|adc|dwi|hbv|bold|asl|swi|ct|pet|cor|sag|"
    r"mprage|mp-rage|mp2rage|mt[01]|spgr|dce|dti|fmri|cta"
)
CHANNEL = r"000\d"
"""The number is nnU-Net's, of a channel."""
SEQUENCES = rf"{WORDS}|{CHANNEL}"
OF_SEQUENCE = re.compile(WORDS, re.IGNORECASE)

DATE = (
    r"(?:19|20)\d\d(?:(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:[T_]?\d{6,9})?"
    r"|-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])|[_.](?:0[1-9]|1[0-2])[_.](?:0[1-9]|[12]\d|3[01]))"
    r"|(?:0[1-9]|[12]\d|3[01])-(?:0[1-9]|[12]\d|3[01])-(?:19|20)\d\d"
)
"""20060418, with a time of day or without, 2006-04-18, 2006.04.18, 18-04-2006."""
LONG_VISITS = (
    r"baseline|follow[_\-]?ups?|pre[_\-]?op|post[_\-]?op|pre[_\-]?treatment|post[_\-]?treatment|"
    r"screening|retest|rescan"
)
COUNTED_VISITS = r"session|ses|visit|exam|timepoint|time|wave|month|week|day|year|tp|wk|mo|yr"
VISIT = (
    rf"(?:{LONG_VISITS}|bl|pre|post|fup|fu|initial)(?:[_\-. ]?\d{{1,3}})?"
    rf"|(?:{COUNTED_VISITS}|scan|study)[_\-. ]?\d{{1,4}}"
    r"|\d{1,3}[_\-. ]?(?:months?|mo|weeks?|wks?|years?|yrs?|days?)"
)
WEAK_VISIT = r"[vmwdy]\d{1,4}|t[03-9]|\d{1,2}[my]"
"""Only after a number, as `m01` alone may be a mouse: `P001_m12`, `P001_V2`."""
SESSION = re.compile(
    rf"(?:{VISIT}|{WEAK_VISIT}|session|ses|study|visit|exam|timepoint|tp|(?:{DATE})(?:[_\-. ].*)?)",
    re.IGNORECASE,
)
"""A folder of one visit; TCIA's begins with the date of the study."""
YEAR = re.compile(r"(?:19|20)\d\d")
SLICE = (
    r"(?:slice|sl|frame|fr|img|image|im|view|z|run|echo|acq|rep|mpr|dir|series|ser)[_\-. ]?\d+"
    r"|\d+of\d+"
)
DESCRIBING = {
    # kinds of pictures
    "image", "images", "imaging", "img", "im", "i", "scan", "volume", "vol", "view", "frontal",
    "lateral", "pa", "ap", "slice", "sl", "frame", "fr", "series", "study", "mr", "mri", "xray",
    "cxr", "file", "raw", "orig", "axial", "coronal", "sagittal", "4d", "3d", "2d",
    # of the body
    "left", "right", "cc", "mlo", "od", "os", "bilateral", "brain", "head", "chest", "heart",
    "cardiac", "lung", "lungs", "liver", "prostate", "knee", "abdomen", "thorax", "breast",
    # processing
    "acpc", "dc", "restore", "restored", "preproc", "preprocessed", "proc", "processed", "reg",
    "registered", "coreg", "norm", "normalized", "normalised", "n4", "biascorr", "corrected",
    "bet", "stripped", "skullstripped", "extracted", "resampled", "defaced", "deface", "warped",
    "mni", "mni152", "space", "native", "unbiased", "masked", "to", "std", "anat", "func", "rest",
    "task", "dose", "contrast", "plain",
}  # fmt: skip
"""Words at the end of a file's name for its content, which identify nobody."""
SIDES = {"l", "r"}
"""Only after a number: `P001_L`."""
LIKE_VISITS = re.compile(
    r"(?P<person>.*\d.*?)[_\-. ]?(?:[a-z]|[_\-. ][a-z]*\d{1,2})", re.IGNORECASE
)
"""Names that end in a letter or a small number, `P001_a` and `P001_2`, may be of one person."""
COLLECTION = {
    "train", "training", "val", "valid", "validation", "test", "testing", "image", "images", "img",
    "imgs", "imagestr", "imagests", "imagesval", "data", "dataset", "scans", "raw", "nifti", "nii",
    "png", "jpg", "dicom", "dcm", "all", "anat", "func", "perf", "pa", "ap", "frontal", "lateral",
    "slices", "frames", "series", "left", "right", "rawdata", "sourcedata", "averaged", "batch",
    "fold", "split", "part", "subset", "set", "volumes", "files", "cases", "patients", "subjects",
    "unprocessed", "processed", "preprocessed", "fixed", "nrrd", "mha", "mhd", "jpeg", "tif",
    "tiff", "input", "inputs", "source", "normal", "abnormal", "pneumonia", "covid", "benign",
    "malignant", "control", "controls", "positive", "negative", "healthy", "hgg", "lgg", "and",
    "unlabeled", "unlabelled", "labeled", "labelled", "trainval", "tr", "ts",
}  # fmt: skip
"""Words of folders of many patients: splits, formats, classes."""
ORGANS = {"brain", "head", "chest", "heart", "cardiac", "lung", "liver", "prostate", "knee",
          "abdomen", "thorax", "breast", "hippocampus", "pancreas", "colon", "spleen"}  # fmt: skip
"""Alone they describe the content; with a number they are names (`liver_12`)."""
