"""Whether a file is shorter than it says: cut short while it was copied, or streamed.

libsndfile then reads what there is and raises nothing; what it noticed stands in its log. An Ogg
file has no length in its header, but marks its last page.
"""

from __future__ import annotations

import re
from pathlib import Path

import soundfile

PROMISES = re.compile(
    r"^ *(?:data|SSND|BODY|Data Size|riff) *: *(?P<said>\d+) \(should be (?P<there>\d+)\)", re.M
)
"""Bytes of the samples in WAV, AIFF, IFF and AU, of the whole in Wave64; a RIFF size alone may
count what stands behind the samples."""
COMPLAINTS = ("does not match value from 'ds64' chunk", "Seems to be a truncated file")
PADDING = 1
"""Byte, by which chunks of an odd length are longer."""
SPHERE = re.compile(rb"^sample_count -i (\d+)", re.M)
SPHERE_HEADER = 1024
OGG_PAGE = 1 << 16
"""Bytes; a page is no longer."""
LAST_PAGE = 4


def is_cut_short(path: Path, file: soundfile.SoundFile) -> bool:
    """Whether the samples end before the header, or the last page of an Ogg file, says so.

    Raises OSError.
    """
    if file.format == "OGG":
        return not _has_last_page(path)
    if file.format == "NIST":
        return _promised_by_sphere(path) > int(file.frames)
    log = str(file.extra_info)
    longer = any(
        int(each["said"]) > int(each["there"]) + PADDING for each in PROMISES.finditer(log)
    )
    return longer or any(each in log for each in COMPLAINTS)


def _has_last_page(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - OGG_PAGE, 0))
        tail = file.read()
    # In a page's header the flags stand behind the mark and the version.
    start = tail.rfind(b"OggS")
    return 0 <= start < len(tail) - 5 and bool(tail[start + 5] & LAST_PAGE)


def _promised_by_sphere(path: Path) -> int:
    with path.open("rb") as file:
        found = SPHERE.search(file.read(SPHERE_HEADER))
    return int(found[1]) if found else 0
