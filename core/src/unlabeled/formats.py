"""Format numbers of files; another number is refused with advice."""

from __future__ import annotations

from pathlib import Path

from unlabeled.errors import UnlabeledError


def require_format(
    found: object, expected: int, path: Path, error: type[UnlabeledError], again: str
) -> None:
    """Raises `error` unless `found` is the number that this version reads.

    again: advice for an older layout, as a sentence without its full stop.
    """
    if type(found) is int and found == expected:  # True equals 1
        return
    if type(found) is int and found > expected:
        todo = "A newer version wrote it: pip install --upgrade unlabeled"
    else:
        todo = again
    raise error(f"{path}: expected format {expected}, found {found!r}. {todo}.")
