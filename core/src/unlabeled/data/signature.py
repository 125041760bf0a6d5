"""Signatures of files, to detect changes: size, times and content. Standard library only.

The column `signature` of an index holds what `stat` says of an item's files, which costs no more
than listing them: `SIZE.MODIFIED.CHANGED`. Content is hashed on demand: to record it (`sealed`),
and to compare it with a record where size and times are not conclusive (`same`).

Recorded signatures end in the hash of the content. An item that is a part of a file has the content
of that part alone (`content_of`), so that another row of a table does not change it.
"""

from __future__ import annotations

import hashlib
import os
import stat
import time
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from unlabeled.data.sources import files_of
from unlabeled.data.walk import walk

WHOLE = 1 << 26
"""Bytes of a file that are hashed whole: 64 MiB. Of a larger one as many, in `SAMPLES` pieces."""
SAMPLES = 64
IN_DOUBT = 2_000_000_000
"""ns. A file that changed so shortly before may change again within its file system's clock."""
CONTENT = "content:"
SAMPLED = "sampled:"


def signatures_of(sources: Iterable[str]) -> list[str]:
    """Size and times of the files of each source, by `stat`; "" for a missing file."""
    known: dict[str, str] = {}
    return [known.get(s) or known.setdefault(s, _stat_of(s)) for s in sources]


def content_of(*parts: object) -> str:
    """The signature of an item that is a part of a file, from its content: a row of a table."""
    digest = hashlib.blake2b(repr(parts).encode(errors="surrogateescape"), digest_size=16)
    return CONTENT + digest.hexdigest()


def size_of(signature: str) -> int:
    """The bytes of an item's files; 0 for a part of a file, or if they are not there."""
    known = signature and not signature.startswith(CONTENT)
    return int(signature.split(".")[0]) if known else 0


def sealed(source: str, signature: str, *, content: bool = True) -> str:
    """The signature with the hash of the content, to be recorded; "" for files that changed
    meanwhile.

    content: false for size and times alone.
    """
    if not signature or signature.startswith(CONTENT):
        return signature
    found = _content(source, signature) if content else ""
    # The file changed while it was hashed, so the hash belongs to neither version.
    if _stat_of(source) != signature:
        return ""
    size, modified, changed = signature.split(".")
    if time.time_ns() - max(int(modified), int(changed)) < IN_DOUBT:
        # 0 never equals a time of change, so the content is compared next time.
        changed = "0"
    return f"{size}.{modified}.{changed}.{found}"


def content_hash(source: str, signature: str) -> str:
    """A hash of the content of an item, independent of place and name; "" if it cannot be read."""
    return signature if signature.startswith(CONTENT) else _content(source, signature)


def same(recorded: str, source: str, signature: str) -> bool:
    """Whether an item is unchanged since `recorded` was sealed.

    Reads its files only if their times differ and their size does not. A file that was hashed by
    samples, or not at all, counts as changed if its time of modification differs.
    """
    if not recorded or not signature or CONTENT in (recorded + signature):
        return recorded == signature
    stats, _, content = recorded.rpartition(".")
    if stats == signature:
        return True
    (size, modified, _), (size_now, modified_now, _) = stats.split("."), signature.split(".")
    partly = not content or content.startswith(SAMPLED)
    if size != size_now or (partly and modified != modified_now):
        return False
    return not content or content == _content(source, signature)


def _stat_of(source: str) -> str:
    """Size and the latest times (ns) of all files together: whatever touches one moves a time."""
    try:
        found = [os.stat(source)]  # noqa: PTH116 - there may be millions of files
    except (OSError, ValueError):
        found = []
    if not found or not stat.S_ISREG(found[0].st_mode):
        try:
            found = [file.stat() for file in _files(source)]
        except (OSError, ValueError):
            return ""
    if not found or not all(stat.S_ISREG(each.st_mode) for each in found):
        return ""
    modified, changed = (max(times) for times in zip(*map(_times, found), strict=True))
    return f"{sum(each.st_size for each in found)}.{modified}.{changed}"


def _times(found: os.stat_result) -> tuple[int, int]:
    # `touch -r` and `cp -p` set back the first time by hand, but cannot set the second.
    return found.st_mtime_ns, found.st_ctime_ns


def _files(source: str) -> list[Path]:
    """The files that a source names; for a folder, all files in it."""
    named = files_of(source)
    if len(named) == 1 and named[0].is_dir():
        return [file.path for file in walk(named[0]).files if not file.problem]
    return list(named)


@lru_cache(maxsize=4096)
def _content(source: str, signature: str) -> str:  # noqa: ARG001 - another file has another one
    """The hash of all files; "" if one cannot be read."""
    digest, sampled = hashlib.blake2b(digest_size=16), ""
    try:
        for file in _files(source):
            size = file.stat().st_size
            # Sizes first: two files cut at another place must not have the digest of their
            # concatenation.
            digest.update(size.to_bytes(8, "little"))
            sampled = SAMPLED if size > WHOLE else sampled
            for piece in _pieces(file, size):
                digest.update(piece)
    except OSError:
        return ""
    return sampled + digest.hexdigest()


def _pieces(file: Path, size: int) -> Iterator[bytes]:
    """All of a file, or evenly spread pieces of it, the first and last bytes among them."""
    length = WHOLE // SAMPLES
    starts: Sequence[int] = range(0, size, length)
    if size > WHOLE:
        starts = [place * (size - length) // (SAMPLES - 1) for place in range(SAMPLES)]
    with file.open("rb") as stream:
        for start in starts:
            stream.seek(start)
            yield stream.read(length)
