"""The number by which a file says how it is laid out; another number is refused with what to do."""

from __future__ import annotations

from pathlib import Path

from unlabeled.errors import UnlabeledError


def require_format(
    found: object, expected: int, path: Path, error: type[UnlabeledError], again: str
) -> None:
    """Raises `error` unless `found` is the number that this version reads.

    again: what makes a file of an older layout anew, as a sentence without its full stop.
    """
    if type(found) is int and found == expected:  # True equals 1
        return
    if type(found) is int and found > expected:
        todo = "A newer version wrote it: pip install --upgrade unlabeled"
    else:
        todo = again
    raise error(f"{path}: expected format {expected}, found {found!r}. {todo}.")
